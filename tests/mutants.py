"""Mutation run over the rules: `python -m tests.mutants --sample 200 --seed 1` (docs/architecture.md, "Mutation run").

A mutant is the code of `service/rules` with one small change: a comparison turned, a condition negated, a number one
larger, a keyword or a statement dropped, a result lost, another member of an enum. `tests/rules` alone should fail on
it. The mutants that survive are printed with their place: each is a test that is missing, or a change that changes
nothing.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
RULES = ROOT / "service" / "rules"
TIMEOUT_S = 300
"""A mutant that runs longer loops for ever: it counts as killed."""

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}
_WITHOUT_EFFECT = {"bound", "covariant", "total"}
"""Keywords of declarations: dropping them changes no behaviour of code that keeps to the types."""


class Mutant(NamedTuple):
    """One change. `number` counts the mutants of its file from 0, in the order in which they are found."""

    file: Path
    number: int
    line: int
    change: str

    def __str__(self) -> str:
        return f"{self.file.relative_to(ROOT)}:{self.line} {self.change}"


Change = Callable[[], None]
"""Makes the change in the tree it was found in."""


def _changes(tree: ast.Module) -> Iterator[tuple[int, str, Change]]:
    """(line, what changes, how) of everything in a file that can be changed, always in the same order."""
    skipped = _annotations(tree)
    for node in ast.walk(tree):
        if id(node) not in skipped:
            for what, change in _of_node(node):
                yield getattr(node, "lineno", 0), what, change


def _annotations(tree: ast.Module) -> set[int]:
    """Ids of the nodes of annotations, decorators and protocols: no behaviour hangs on them."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts = [getattr(node, name, None) for name in ("annotation", "returns")]
        parts += getattr(node, "decorator_list", [])
        parts += [each.value for each in node.keywords] if isinstance(node, ast.ClassDef) else []
        if isinstance(node, ast.ClassDef) and any(isinstance(b, ast.Name) and b.id == "Protocol" for b in node.bases):
            parts += node.body
        found |= {id(inner) for part in parts if part is not None for inner in ast.walk(part)}
    return found


def _of_node(node: ast.AST) -> Iterator[tuple[str, Change]]:
    if isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARISONS:
        other = _COMPARISONS[type(node.ops[0])]()
        yield f"{ast.unparse(node)} → {other.__class__.__name__}", lambda: node.ops.__setitem__(0, other)
    elif isinstance(node, ast.BoolOp):
        swapped = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield f"{ast.unparse(node)} → {swapped.__class__.__name__}", lambda: setattr(node, "op", swapped)
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        operator = _OPERATORS[type(node.op)]()
        yield f"{ast.unparse(node)} → {operator.__class__.__name__}", lambda: setattr(node, "op", operator)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        negated = ast.UnaryOp(ast.Not(), node.test)
        yield f"if {ast.unparse(node.test)} → negated", lambda: setattr(node, "test", negated)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int):
        value = not node.value if isinstance(node.value, bool) else node.value + 1
        yield f"{node.value} → {value}", lambda: setattr(node, "value", value)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield f"return {ast.unparse(node.value)} → None", lambda: setattr(node, "value", ast.Constant(None))
    if isinstance(node, ast.FunctionDef | ast.If | ast.For | ast.While):
        yield from _of_body(node.body)


def _of_call(node: ast.Call) -> Iterator[tuple[str, Change]]:
    for keyword in node.keywords:
        if keyword.arg is not None and keyword.arg not in _WITHOUT_EFFECT:
            yield (
                f"{ast.unparse(node.func)}(… without {keyword.arg}=)",
                lambda keyword=keyword: node.keywords.remove(keyword),  # type: ignore[misc]
            )


def _of_body(body: list[ast.stmt]) -> Iterator[tuple[str, Change]]:
    for at, statement in enumerate(body):
        is_call = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
        if is_call or isinstance(statement, ast.Raise | ast.Continue | ast.Break | ast.AugAssign):
            text = ast.unparse(statement).splitlines()[0]
            yield f"{text} → dropped", lambda at=at: body.__setitem__(at, ast.Pass())  # type: ignore[misc]


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def mutants(folder: Path) -> list[Mutant]:
    """Every mutant of the files below a folder, or of one file."""
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.py"))
    return [
        Mutant(file, number, line, what)
        for file in files
        for number, (line, what, _) in enumerate(_changes(ast.parse(file.read_text(encoding="utf-8"))))
    ]


def mutated(mutant: Mutant) -> str:
    """The text of the file with its one change."""
    tree = copy.deepcopy(ast.parse(mutant.file.read_text(encoding="utf-8")))
    for number, (_, _, change) in enumerate(list(_changes(tree))):
        if number == mutant.number:
            change()
    return ast.unparse(ast.fix_missing_locations(tree))


def survives(mutant: Mutant, tests: str) -> bool:
    """Whether the tests pass on the mutant, in a copy of the code of its own."""
    with tempfile.TemporaryDirectory(prefix="sihu-mutant-") as folder:
        for name in ("service", "tests", "pyproject.toml"):
            source = ROOT / name
            ignored = shutil.ignore_patterns("__pycache__", "*.geojson")
            shutil.copytree(source, Path(folder, name), ignore=ignored) if source.is_dir() else shutil.copy(
                source, folder
            )
        Path(folder, mutant.file.relative_to(ROOT)).write_text(mutated(mutant), encoding="utf-8")
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-qx",
            "-p",
            "no:cacheprovider",
            "--hypothesis-profile=mutants",
            tests,
        ]
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0


def main() -> None:
    """Print every survivor as it is found, then how many were killed. Exit code 1 below 97 of 100."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="how many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--path", type=Path, default=RULES, help="a file or folder of the service")
    parser.add_argument("--tests", default="tests/rules")
    arguments = parser.parse_args()
    every = mutants(arguments.path.resolve())
    drawn = random.Random(arguments.seed).sample(every, min(arguments.sample, len(every)))
    survivors = []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        found = pool.map(lambda mutant: (mutant, survives(mutant, arguments.tests)), drawn)
        for n, (mutant, alive) in enumerate(found, start=1):
            if alive:
                survivors.append(mutant)
                print(f"survived: {mutant}", flush=True)
            print(f"\r{n} of {len(drawn)}, {len(survivors)} survived", end="", file=sys.stderr, flush=True)
    killed = len(drawn) - len(survivors)
    print(f"\n{killed} of {len(drawn)} killed ({100 * killed / len(drawn):.1f} %), out of {len(every)} mutants")
    sys.exit(killed < 0.97 * len(drawn))


if __name__ == "__main__":
    main()
