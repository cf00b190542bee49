"""The pages of docs/ as the tests read them: sections, the rows of tables, names in backticks."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README, TWIN = ROOT / "README.md", ROOT / "README.zh-CN.md"
REFERENCE = DOCS / "reference.md"

Row = dict[str, str]
_BAR = re.compile(r"(?<!\\)\|")


def section(page: Path, heading: str) -> str:
    """The text below a heading of any depth, up to the next heading of its depth or above."""
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"^(#+) {re.escape(heading)}$", text, flags=re.MULTILINE)
    assert found, f"{page.name} has no section {heading}"
    below = text[found.end() :]
    return re.split(rf"^#{{1,{len(found[1])}}} ", below, maxsplit=1, flags=re.MULTILINE)[0]


def tables(page: Path, heading: str) -> list[list[Row]]:
    """The rows of each table below a heading, each row by the words of the table's head."""
    found = []
    for text in re.findall(r"(?:^\|.*\n)+", section(page, heading), flags=re.MULTILINE):
        head, _, *body = [_cells(line) for line in text.splitlines()]
        found.append([dict(zip(head, cells, strict=True)) for cells in body])
    return found


def rows(page: Path, heading: str) -> list[Row]:
    """The rows of the first table below a heading."""
    return tables(page, heading)[0]


def _cells(line: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in _BAR.split(line.strip())[1:-1]]


def quoted(text: str) -> list[str]:
    """The names in backticks, in order."""
    return re.findall(r"`([^`\n]+)`", text)


def column(page: Path, heading: str, name: str) -> list[str]:
    """The names in backticks of one column, in order."""
    return [each for row in rows(page, heading) for each in quoted(row[name])]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
