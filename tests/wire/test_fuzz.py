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

SHORT = ("--phases", "examples,fuzzing,stateful", "--max-examples", "2")
LONG = ("--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "200")
ARGUMENTS = LONG if os.environ.get("FUZZ") == "long" else SHORT


@pytest.mark.slow
@pytest.mark.timeout(40 * 60)
def test_the_service_does_what_its_document_says(office_url: str, tmp_path: Path) -> None:
    made = fuzzing.make_keys(office_url)
    with serving(office_url, tmp_path / "log", f"--virtual-clock={START.isoformat()}") as running:
        running.wait_until("/readyz", 200)
        ran = fuzzing.run(running.url, made, tmp_path, *ARGUMENTS)
        print(ran.stdout, ran.stderr)
        assert ran.returncode == 0
        assert "Traceback" not in running.log.read_text()
