from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.security import advisories, audit
from tests.security.advisories import verdict

OFFLINE = "http://127.0.0.1:9"


@pytest.mark.clause("ASVS 1.2.4", "ASVS 1.2.5", "ASVS 1.3.2", "ASVS 1.5.2", "ASVS 11.4.1", "ASVS 11.5.1")
def test_bandit_finds_nothing() -> None:
    found = audit.risks()
    assert found.code == 0, "\n".join(found.lines)


@pytest.mark.parametrize(
    ("line", "test"),
    [
        ("eval(words)", "B307"),
        ("exec(words)", "B102"),
        ("import subprocess; subprocess.run(words, shell=True)", "B602"),
        ("import os; os.system(words)", "B605"),
        ("import pickle; pickle.loads(words)", "B301"),
        ("import yaml; yaml.load(words, yaml.Loader)", "B506"),
        ("import hashlib; hashlib.md5(words)", "B324"),
        ("import random; token = random.random()", "B311"),
        ("import ssl; ssl._create_unverified_context()", "B323"),
        ("query = \"SELECT * FROM incident WHERE id = '%s'\" % words", "B608"),
        ("import xml.etree.ElementTree as tree; tree.fromstring(words)", "B314"),
    ],
)
def test_bandit_sees_what_it_is_for(tmp_path: Path, line: str, test: str) -> None:
    (tmp_path / "risky.py").write_text(f"{line}\n", encoding="utf-8")
    found = audit.risks(tmp_path)
    assert found.code == 1 and test in "\n".join(found.lines)


def test_without_internet_it_is_said_what_was_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_CACHE_DIR", "XDG_CACHE_HOME"):  # an answer of the last audit would do as well
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, OFFLINE)
    monkeypatch.setenv("NO_PROXY", "")
    found = advisories.ask()
    assert found.code == 0
    assert found.lines[0].startswith("NOT CHECKED for known flaws: all packages of requirements.lock. ")


def test_a_known_flaw_ends_with_1() -> None:
    flaw = {"id": "PYSEC-2026-1", "fix_versions": ["1.1"], "aliases": [], "description": "x"}
    packages = [
        {"name": "good", "version": "2.0", "vulns": []},
        {"name": "bad", "version": "1.0", "vulns": [flaw]},
        {"name": "foreign", "skip_reason": "not found"},
    ]
    found = verdict(json.dumps({"dependencies": packages, "fixes": []}), "Found 1 known vulnerability")
    assert found.code == 1
    assert found.lines == [
        "2 packages checked, 1 known flaws",
        "bad 1.0: PYSEC-2026-1, mended in 1.1",
        "NOT CHECKED for known flaws, since the index does not know them: foreign",
    ]


def test_a_failure_of_pip_audit_is_none_of_the_internet() -> None:
    assert verdict("", "error: invalid choice").code == 1
