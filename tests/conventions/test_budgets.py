"""How long files and functions may be, and where certain things alone may stand."""

from __future__ import annotations

import ast

from tests.conventions import source

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40
P90_FUNCTION_LINES = 18
WIRING = {"service/main.py", "service/context.py", "service/process.py"}


def _lengths() -> list[tuple[int, str]]:
    found = []
    for node, place in source.definitions():
        if isinstance(node, source.Function):
            found.append(((node.end_lineno or node.lineno) - node.lineno + 1, f"{place} {node.name}"))
    return sorted(found)


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {str(file.relative_to(source.ROOT)): len(file.read_text().splitlines()) for file in source.files()}
    assert {file: lines for file, lines in lengths.items() if lines > MAX_FILE_LINES} == {}


def test_no_function_is_longer_than_40_lines() -> None:
    assert [each for each in _lengths() if each[0] > MAX_FUNCTION_LINES] == []


def test_nine_functions_of_ten_have_18_lines_or_fewer() -> None:
    lengths = [lines for lines, _ in _lengths()]
    assert lengths[len(lengths) * 9 // 10] <= P90_FUNCTION_LINES


def test_the_wiring_alone_looks_at_the_state_of_the_app() -> None:
    """Routes take the typed context; a look-up on `app.state` is an untyped name that nobody can follow."""
    found = []
    for file in source.files():
        if str(file.relative_to(source.ROOT)) in WIRING:
            continue
        for node in ast.walk(source.tree(file)):
            if isinstance(node, ast.Attribute) and node.attr == "state" and _is_app(node.value):
                found.append(source.place(file, node))
    assert found == []


def _is_app(node: ast.expr) -> bool:
    """Whether an expression is an application: `app`, `request.app`, `scope["app"]`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value == "app"
    return (node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")) == "app"


def test_one_place_commits() -> None:
    found = {
        source.place(file, node).partition(":")[0]
        for file in source.files()
        for node in ast.walk(source.tree(file))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "commit"
    }
    assert found - {"service/bench/plain.py"} == {"service/store/database.py"}
