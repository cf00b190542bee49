"""Which test shows which clause: the `clause` markers of the suite, read from the source without importing it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.conventions.source import Function
from tests.docs.pages import ROOT

_MARK = "pytest.mark.clause"


class Shown(NamedTuple):
    """One test, by its file below the repository and its name."""

    file: str
    test: str


def by_clause(folder: Path = ROOT / "tests") -> Mapping[str, Sequence[Shown]]:
    """The tests of a folder by the id of each clause that they are marked with, in the order of files and lines.

    Raises:
        ValueError: a marker is no decorator of a test, or names something else than texts.
    """
    found: dict[str, list[Shown]] = defaultdict(list)
    for file in sorted(folder.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        if _MARK in text:
            for clause, test in _marked(ast.parse(text), str(file)):
                found[clause].append(Shown(str(file.relative_to(folder.parent)), test))
    return found


def _marked(tree: ast.Module, file: str) -> Iterator[tuple[str, str]]:
    marks = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node) == _MARK]
    for test in ast.walk(tree):
        if isinstance(test, Function) and test.name.startswith("test_"):
            for decorator in test.decorator_list:
                if isinstance(decorator, ast.Call) and decorator.func in marks:
                    marks.remove(decorator.func)
                    yield from ((_text(each, file), test.name) for each in decorator.args)
    if marks:
        raise ValueError(f"{file}:{marks[0].lineno}: a clause is marked that is no decorator of a test")


def _text(node: ast.expr, file: str) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    raise ValueError(f"{file}:{node.lineno}: write the id of the clause as a text")
