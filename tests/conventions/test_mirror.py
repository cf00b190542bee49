"""Whoever changes a file finds its test under the same name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conventions import source

ROOMS = ("store", "incidents", "escalation")
FILES = [
    *(file for room in ROOMS for file in sorted((source.SERVICE / room).rglob("*.py"))),
    *sorted(source.SERVICE.glob("*.py")),
]


@pytest.mark.parametrize("file", [file for file in FILES if file.name != "__init__.py"], ids=lambda file: file.stem)
def test_every_file_has_a_test_of_its_own_name(file: Path) -> None:
    mirrored = source.ROOT / "tests" / file.relative_to(source.SERVICE).with_name(f"test_{file.name}")
    assert mirrored.exists(), f"{mirrored.relative_to(source.ROOT)} is missing"
