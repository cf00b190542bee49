"""Requests that a machine makes from the document, valid and not, against the service as a process of its own.

Nothing is answered that the document does not describe; what it calls valid is carried out or refused for what only the
registry or the state can tell; what it calls invalid is refused. `make fuzz` looks longer.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.house import START
from tests.processes.running import serving
from tests.wire import fuzzing

LONG = os.environ.get("FUZZ") == "long"
EXAMPLES = 250 if LONG else 2
PHASES = ("stateful", "examples,coverage,fuzzing" if LONG else "examples,fuzzing")


@pytest.mark.clause("ASVS 2.2.1", "ASVS 2.2.2", "ASVS 4.1.1", "GB/T 22239 8.1.4.4 d")
@pytest.mark.slow
@pytest.mark.timeout(10 * 60)
@pytest.mark.parametrize("phases", PHASES)
def test_the_service_does_what_its_document_says(office_url: str, tmp_path: Path, phases: str) -> None:
    made = fuzzing.make_keys(office_url)
    with serving(office_url, tmp_path / "log", f"--virtual-clock={START.isoformat()}") as running:
        running.wait_until("/readyz", 200)
        ran = fuzzing.run(running.url, made, tmp_path, "--phases", phases, "--max-examples", str(EXAMPLES))
        print(ran.stdout, ran.stderr)
        assert ran.returncode == 0
        assert "Traceback" not in running.log.read_text()
