from __future__ import annotations

from pathlib import Path

import pytest

from tests.security import markers


def _folder(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_x.py").write_text(f"import pytest\n{text}", encoding="utf-8")
    return folder


def test_each_clause_has_its_tests_in_order(tmp_path: Path) -> None:
    text = """
@pytest.mark.clause("B", "A")
@pytest.mark.parametrize("n", [1])
async def test_one(n): ...
class TestSome:
    @pytest.mark.clause("A")
    def test_two(self): ...
"""
    found = markers.by_clause(_folder(tmp_path, text))
    assert found == {
        "A": [("tests/test_x.py", "test_one"), ("tests/test_x.py", "test_two")],
        "B": [("tests/test_x.py", "test_one")],
    }


@pytest.mark.parametrize(
    "text",
    [
        'pytestmark = pytest.mark.clause("A")',
        '@pytest.mark.clause("A")\ndef helper(): ...',
        '@pytest.mark.clause("A" + "B")\ndef test_x(): ...',
        "@pytest.mark.clause\ndef test_x(): ...",
    ],
)
def test_a_marker_that_nobody_would_find_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match=r"a clause is marked that|write the id"):
        markers.by_clause(_folder(tmp_path, text))
