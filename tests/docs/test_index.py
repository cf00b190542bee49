"""docs/README.md leads to every page, and every page leads a Chinese reader in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs import pages

INDEX = pages.DOCS / "README.md"
PAGES = [page for page in sorted(pages.DOCS.glob("*.md")) if page != INDEX]


def test_the_index_leads_to_every_page() -> None:
    links = re.findall(r"\]\(([\w./-]+\.md)\)", pages.section(INDEX, "Documentation"))
    assert {link for link in links if "/" not in link} == {page.name for page in PAGES}
    assert "decisions/README.md" in links


@pytest.mark.parametrize("page", sorted(pages.DOCS.rglob("*.md")), ids=lambda page: page.name)
def test_a_block_can_be_pasted_into_any_shell(page: Path) -> None:
    """A shell such as zsh takes the words of a comment for arguments when a person pastes it."""
    commented = [line for block in pages.blocks(page, "sh") for line in block.splitlines() if re.search("(^| )#", line)]
    assert commented == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "architecture.md"], ids=lambda page: page.name)
def test_a_page_begins_with_a_summary_in_chinese(page: Path) -> None:
    title, _, summary = page.read_text(encoding="utf-8").splitlines()[:3]
    assert title.startswith("# ")
    assert summary.startswith("**摘要。** ")
