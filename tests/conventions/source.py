"""The source of the service as the conventions look at it: files, definitions, docstrings, names."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
SERVICE = ROOT / "service"

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = ast.Module | ast.ClassDef | Function


class Definition(NamedTuple):
    """One function or class, with the place a person jumps to."""

    node: ast.ClassDef | Function
    place: str


def files(folder: str = "service") -> list[Path]:
    """Every Python file below a folder of the repository."""
    return sorted((ROOT / folder).rglob("*.py"))


@cache
def tree(file: Path) -> ast.Module:
    """The syntax tree of one file."""
    return ast.parse(file.read_text(encoding="utf-8"))


def place(file: Path, node: ast.AST) -> str:
    """`path:line`, relative to the repository."""
    return f"{file.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def definitions(folder: str = "service") -> Iterator[Definition]:
    """Every function and class, inner ones included."""
    for file in files(folder):
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.ClassDef | Function):
                yield Definition(node, place(file, node))


def docstrings() -> Iterator[tuple[str, str]]:
    """(place, text) of every docstring of a module, class or function, and of a constant (a string beneath it)."""
    for file in files():
        for node in ast.walk(tree(file)):
            if isinstance(node, Documented):
                text = ast.get_docstring(node)
                if text:
                    yield place(file, node), text
        body = tree(file).body
        for before, node in itertools.pairwise(body):
            is_constant = isinstance(before, ast.Assign | ast.AnnAssign)
            if is_constant and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                yield place(file, node), str(node.value.value)


def bound_names() -> Iterator[tuple[str, str]]:
    """(place, name) of everything that a file gives a name: definitions, parameters, variables, attributes, aliases."""
    for file in files():
        for node in ast.walk(tree(file)):
            for name in _bound(node):
                yield place(file, node), name


def _bound(node: ast.AST) -> list[str]:
    if isinstance(node, ast.ClassDef | Function):
        return [node.name]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        return [node.id]
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
        return [node.attr]
    if isinstance(node, ast.alias) and node.asname:
        return [node.asname]
    return [node.arg] if isinstance(node, ast.keyword) and node.arg else []


def type_names() -> Iterator[tuple[str, str]]:
    """(place, name) of every class and of every alias of a type that stands in a module."""
    for file in files():
        for node in ast.walk(tree(file)):
            if isinstance(node, ast.ClassDef):
                yield place(file, node), node.name
        for node in tree(file).body:
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if isinstance(node, ast.Assign) and isinstance(target, ast.Name) and _is_alias(target.id, node.value):
                yield place(file, node), target.id


def _is_alias(name: str, value: ast.expr) -> bool:
    """Whether `name = value` names a type: CamelCase, and a subscript, a union or another type behind it."""
    bare = name.lstrip("_")
    is_camel_case = bare[:1].isupper() and not bare.isupper() and "_" not in bare
    is_type = isinstance(value, ast.Subscript | ast.Name | ast.Attribute) or (
        isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr)
    )
    return is_camel_case and is_type
