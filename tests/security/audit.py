"""What `make audit` does: it looks for risky code, lists what is installed, and asks for known flaws of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.docs.pages import ROOT
from tests.security import advisories, sbom
from tests.security.advisories import Verdict


def risks(code: Path = ROOT / "service") -> Verdict:
    """Run bandit on a folder, as pyproject.toml configures it. Its remarks on its own comments are left out."""
    options = ["--quiet", "--configfile", str(ROOT / "pyproject.toml"), "--format", "custom"]
    template = "{relpath}:{line}: {test_id} {msg}"
    done = subprocess.run(
        [sys.executable, "-m", "bandit", *options, "--msg-template", template, "--recursive", str(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return Verdict(0, [f"bandit finds nothing in {code.name}/"])
    return Verdict(1, [done.stdout.strip() or done.stderr])


def main() -> int:
    """Do all three, and say what was found and what could not be looked at. Returns the exit code."""
    found = risks()
    print("\n".join(found.lines))
    sbom.write()
    flaws = advisories.ask()
    print("\n".join(flaws.lines))
    return max(found.code, flaws.code)


if __name__ == "__main__":
    sys.exit(main())
