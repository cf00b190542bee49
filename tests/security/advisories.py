"""Known flaws of what is installed: pip-audit asks for each package of the lock.

What could not be asked for, because there is no internet or the index does not know the package, is said aloud and is
no fault.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tests.security.sbom import LOCK

_NO_ANSWER = re.compile(r"Could not connect|requests\.exceptions\.(ConnectionError|ProxyError|\w+Timeout): ")
"""How pip-audit complains where there is no internet: in a line of its own, or with a traceback."""


class Verdict(NamedTuple):
    """What to end with (0: nothing was found; 1: something, or the look itself failed), and what to say."""

    code: int
    lines: Sequence[str]


def ask() -> Verdict:
    """Run pip-audit on the lock."""
    options = ["--require-hashes", "--disable-pip", "--progress-spinner", "off", "--timeout", "10", "--format", "json"]
    done = subprocess.run(
        [sys.executable, "-m", "pip_audit", "--requirement", str(LOCK), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    return verdict(done.stdout, done.stderr)


def verdict(output: str, complaint: str) -> Verdict:
    """What follows from what pip-audit has printed: its JSON, or on standard error why there is none."""
    if not output.strip():
        if _NO_ANSWER.search(complaint):
            return Verdict(0, [f"NOT CHECKED for known flaws: all packages of {LOCK.name}. {_last(complaint)}"])
        return Verdict(1, [complaint])
    packages = json.loads(output)["dependencies"]
    flaws = [_flaw(each, flaw) for each in packages for flaw in each.get("vulns", ())]
    unknown = [each["name"] for each in packages if "skip_reason" in each]
    lines = [f"{len(packages) - len(unknown)} packages checked, {len(flaws)} known flaws", *flaws]
    if unknown:
        lines.append(f"NOT CHECKED for known flaws, since the index does not know them: {', '.join(unknown)}")
    return Verdict(1 if flaws else 0, lines)


def _flaw(package: Mapping[str, Any], flaw: Mapping[str, Any]) -> str:
    mended = ", ".join(flaw["fix_versions"]) or "nowhere yet"
    return f"{package['name']} {package['version']}: {flaw['id']}, mended in {mended}"


def _last(complaint: str) -> str:
    return complaint.strip().rpartition("\n")[2]
