"""Who judges shares no code with who is judged."""

from __future__ import annotations

import ast
import sys

from tests.conventions import source

ALLOWED = {"tests", "httpx", "asyncpg", "uvloop", "pytest", "__future__"}
BESIDE = {"tests.docs", "tests.drills", "tests.processes.running", "tests.conventions"}
"""The other modules of the tests that a drill may use; none of them imports the service."""


def _imports(tree: ast.Module) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_drills_import_nothing_of_the_service() -> None:
    files = [*source.files("tests/drills"), source.ROOT / "tests/processes/running.py"]
    for file in files:
        roots = {name.partition(".")[0] for name in _imports(source.tree(file))}
        assert roots - set(sys.stdlib_module_names) <= ALLOWED, file
        inside = {name for name in _imports(source.tree(file)) if name.startswith("tests.")}
        assert all(name in BESIDE or name.startswith("tests.drills.") for name in inside), file
