"""Documents and code agree: the documents name what the code has, what they name exists, and the READMEs are twins.

Names in backticks are checked: paths of the repository, `module.name`, `Class.name`, event types. Whether a page is
complete is tested in tests/docs, page by page.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from service import metrics
from service.rules.words import EventType
from tests.docs import pages

ROOT, README, TWIN = pages.ROOT, pages.README, pages.TWIN
DOCUMENTS = [README, TWIN, *sorted(pages.DOCS.rglob("*.md"))]
MADE = {"sbom.json"}
"""Files that a command makes, and that no commit holds."""
BUNDLE = set(pages.column(pages.DOCS / "registry.md", "The files", "file"))
FOLDERS = ("service/", "tests/", "docs/", "migrations/", "openapi/", ".ci/")
FILE_NAMES = re.compile(r"[\w.-]+\.(py|md|yaml|json|csv|geojson|toml|ini)")


def _prose(document: Path) -> str:
    """A document without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def _quoted(document: Path) -> list[str]:
    return pages.quoted(_prose(document))


# --- what the code has is named ---------------------------------------------------------------------------------------


def test_every_metric_is_in_the_reference() -> None:
    collected = [family for family in metrics.new().registry.collect() if family.name.startswith("sihu_")]
    found = {f"{family.name}_total" if family.type == "counter" else family.name for family in collected}
    assert sorted(pages.column(pages.REFERENCE, "Metrics", "metric")) == sorted(found)


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
        return quoted not in BUNDLE | MADE and not any(path for path in ROOT.rglob(quoted) if ".venv" not in path.parts)
    if re.fullmatch(r"_?[A-Za-z]\w*\.\w+", quoted):
        owner, name = quoted.split(".")
        if owner == "joserfc":
            return importlib.util.find_spec(quoted) is None
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
            assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


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
            names = pages.quoted(cells[0]) or re.findall(r"[a-z_]+", cells[0])
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
