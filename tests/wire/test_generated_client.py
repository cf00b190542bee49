"""A client that is generated from the document: typed throughout, and it works."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.clock import VirtualClock
from service.main import create_app
from service.settings import Settings
from tests.house import CATEGORY, CELL, COMMUNITY, START
from tests.processes.running import serving
from tests.wire import fuzzing

INTEGRATOR = Path(__file__).parent / "integrator.py"
NOT_JSON = ("application/zip", "text/csv")
"""Bodies that the generator leaves out, with a warning."""
TYPES = """
[mypy]
strict = true
python_version = 3.11
[mypy-sihu_client.*]
ignore_errors = true
"""
HAPPENED = """
replayed true True
reported calling 440105003001 True
queue [True] [False]
unchanged True None
answered answered 今天下午清运
refused 409 illegal_transition False
changed ['answered']
listed [True] None
event sihu.incident.reported calling
event sihu.call.opened calling
event sihu.call.answered answered
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package `sihu_client`, and what the generator printed, in `printed`."""
    folder = tmp_path_factory.mktemp("client")
    document = create_app(Settings(), VirtualClock(START)).openapi()
    (folder / "openapi.json").write_text(json.dumps(document))
    command = Path(sys.executable).parent / "openapi-python-client"
    (folder / "config.yaml").write_text("post_hooks: []")  # nobody reads it, so nobody needs it in good order
    options = ("--path", "openapi.json", "--meta", "none", "--output-path", "sihu_client", "--config", "config.yaml")
    made = _run(folder, str(command), "generate", *options)
    assert made.returncode == 0, made.stdout + made.stderr
    (folder / "printed").write_text(made.stdout + made.stderr)
    return folder


def _run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    paths = {"PYTHONPATH": str(folder), "MYPYPATH": str(folder)}
    environment = {**os.environ, **paths}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_the_generator_warns_of_nothing_but_archives_and_tables(generated: Path) -> None:
    printed = (generated / "printed").read_text()
    found = [line for line in printed.splitlines() if line.startswith("Unsupported content type")]
    assert all(line.rpartition(" ")[2] in NOT_JSON for line in found), printed
    assert printed.count("WARNING") + printed.count("ERROR") == len(found), printed


@pytest.mark.slow
def test_a_program_against_it_is_typed_and_works(generated: Path, haizhu_url: str, tmp_path: Path) -> None:
    (generated / "mypy.ini").write_text(TYPES)
    checked = _run(generated, sys.executable, "-m", "mypy", "--config-file", "mypy.ini", str(INTEGRATOR))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    keys = fuzzing.make_keys(haizhu_url)
    with serving(haizhu_url, tmp_path / "log", f"--virtual-clock={START.isoformat()}") as running:
        running.wait_until("/readyz", 200)
        people = keys["REPORTER"].text, keys["COMMUNITY"].text
        arguments = (running.url, *people, CELL, CATEGORY, COMMUNITY)
        ran = _run(generated, sys.executable, str(INTEGRATOR), *arguments)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == HAPPENED.strip()
