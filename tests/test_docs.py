"""Documents and code agree: the documents name what the code has, what they name exists, and the READMEs are twins.

Names in backticks are checked: paths of the repository, `module.name`, `Class.name`, event types. The complete lists
are the tables of the reference: commands, settings, metrics, event types.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from service import metrics
from service.commands import parser
from service.rules.words import EventType
from service.settings import Settings

ROOT = Path(__file__).parent.parent
README, TWIN = ROOT / "README.md", ROOT / "README.zh-CN.md"
REFERENCE = ROOT / "docs" / "reference.md"
DOCUMENTS = [README, TWIN, *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = ("service/", "tests/", "docs/", "migrations/", "openapi/", ".ci/")
FILE_NAMES = re.compile(r"[\w.-]+\.(py|md|yaml|json|csv|geojson|toml|ini)")
IN_BACKTICKS = re.compile(r"`([^`\n]+)`")


def _prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _quoted(document: Path) -> list[str]:
    return IN_BACKTICKS.findall(_prose(document))


def _first_cells(document: Path, heading: str) -> list[str]:
    """The first cell of each row of the table below a heading."""
    section = document.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    return [re.split(r"(?<!\\)\|", row)[1].strip().strip("`") for row in rows[2:]]


# --- what the code has is named ---------------------------------------------------------------------------------------


def _commands(of: argparse.ArgumentParser, name: str) -> Iterator[str]:
    choices = [action.choices for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    if not choices:
        yield name
    for each in choices:
        for word, inner in each.items():
            yield from _commands(inner, f"{name} {word}")


def test_every_command_is_in_the_reference() -> None:
    named = [re.sub(r" [A-Z][A-Z ]*$", "", cell) for cell in _first_cells(REFERENCE, "Commands")]
    assert sorted(named) == sorted(_commands(parser._parser(), "sihu"))


def test_every_setting_is_in_the_reference() -> None:
    fields = {name: field.validation_alias or f"SIHU_{name.upper()}" for name, field in Settings.model_fields.items()}
    assert sorted(_first_cells(REFERENCE, "Settings")) == sorted(map(str, fields.values()))


def test_every_metric_is_in_the_reference() -> None:
    collected = [family for family in metrics.new().registry.collect() if family.name.startswith("sihu_")]
    found = {f"{family.name}_total" if family.type == "counter" else family.name for family in collected}
    assert sorted(_first_cells(REFERENCE, "Metrics")) == sorted(found)


def test_every_event_type_is_in_the_reference() -> None:
    assert _first_cells(REFERENCE, "Event types") == [each.value for each in EventType]


def test_every_decision_is_in_the_index_once() -> None:
    index = ROOT / "docs" / "decisions" / "README.md"
    pages = sorted(path.name for path in index.parent.glob("0*.md"))
    assert re.findall(r"\]\((\d{4}-[\w-]+\.md)\)", index.read_text(encoding="utf-8")) == pages
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "decisions").glob("0*.md")), ids=lambda page: page.name[:4])
def test_a_decision_is_one_screen_with_its_status(page: Path) -> None:
    title, _, status, *rest = page.read_text(encoding="utf-8").splitlines()
    assert title.startswith(f"# {int(page.name[:4])}. ")
    assert re.match(r"\*Decided\b.* 20\d\d-\d\d-\d\d\b", status)
    assert "built" in status.lower()
    assert len(rest) <= 45
    assert {"## Decision", "## Why", "## Consequences"} <= set(rest)


# --- what the documents name exists -----------------------------------------------------------------------------------


@cache
def _names() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """Names by module (its last word) and members by class, of the service and its tests."""
    modules: dict[str, set[str]] = defaultdict(set)
    classes: dict[str, set[str]] = defaultdict(set)
    for path in (*(ROOT / "service").rglob("*.py"), *(ROOT / "tests").rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            modules[path.stem] |= _bound(node)
            if isinstance(node, ast.ClassDef):
                classes[node.name] |= {name for inner in node.body for name in _bound(inner)}
    return modules, classes


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _is_wrong(quoted: str) -> bool:
    if quoted.startswith(FOLDERS):
        return not (ROOT / quoted).exists()
    if quoted.startswith("sihu."):
        return quoted not in set(EventType)
    if FILE_NAMES.fullmatch(quoted):
        return not any(path for path in ROOT.rglob(quoted) if ".venv" not in path.parts)
    if re.fullmatch(r"_?[A-Za-z]\w*\.\w+", quoted):
        owner, name = quoted.split(".")
        standard = sys.modules.get(owner) if owner in sys.stdlib_module_names else None
        if hasattr(standard, name) or hasattr(getattr(standard, owner, None), name):
            return False
        modules, classes = _names()
        known = modules if owner in modules else classes if owner in classes else None
        return known is None or name not in known[owner]
    return False


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_quoted_name_exists(document: Path) -> None:
    assert [quoted for quoted in _quoted(document) if _is_wrong(quoted)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", _prose(document))
    inside = [link.partition("#") for link in links if "://" not in link]
    assert [path for path, _, _ in inside if path and not (document.parent / path).exists()] == []
    for path, _, anchor in inside:
        if anchor:
            text = (document.parent / path if path else document).read_text(encoding="utf-8")
            headings = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


def test_architecture_names_no_class_that_does_not_exist() -> None:
    quoted = {each for each in _quoted(ROOT / "docs" / "architecture.md") if re.fullmatch(r"[A-Z][a-z]+\w+", each)}
    _, classes = _names()
    assert quoted - set(classes) == set()


# --- the Chinese README says it too -----------------------------------------------------------------------------------


def _blocks(document: Path) -> list[str]:
    """Fenced blocks, those of diagrams without their labels, which are translated."""
    found = re.findall(r"^```(.*?)^```", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [_arrows(block) if block.startswith("mermaid") else block for block in found]


def _arrows(diagram: str) -> str:
    """A diagram with the letters of its labels alone, and without the names of its states."""
    unnamed = re.sub(r"^ +state .*\n", "", diagram, flags=re.MULTILINE)
    return re.sub(r"(: |· )(\w)[^·\n]*", r"\1\2", unnamed)


def _tables(document: Path) -> list[list[tuple[int, list[str]]]]:
    """Each table's rows: how many cells, and the names in the first of them, which are not translated."""
    tables: list[list[tuple[int, list[str]]]] = []
    before = False
    for line in _prose(document).splitlines():
        if line.startswith("|"):
            cells = re.split(r"(?<!\\)\|", line)[1:-1]
            names = IN_BACKTICKS.findall(cells[0]) or re.findall(r"[a-z_]+", cells[0])
            if not before:
                tables.append([])
            tables[-1].append((len(cells), names if before else []))
        before = line.startswith("|")
    return tables


def test_both_readmes_have_the_same_code_blocks() -> None:
    assert _blocks(TWIN) == _blocks(README)


def test_both_readmes_have_the_same_tables() -> None:
    assert _tables(TWIN) == _tables(README)


def test_both_readmes_have_as_many_sections_and_decisions() -> None:
    for pattern in (r"^#+ ", r"^\d+\. "):
        counts = [
            len(re.findall(pattern, path.read_text(encoding="utf-8"), flags=re.MULTILINE)) for path in (README, TWIN)
        ]
        assert counts[0] == counts[1] > 0
