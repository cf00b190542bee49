"""docs/security.md: what the page says of the standards is made from their clauses and from the markers of the tests.

The rest of the page is written by hand. The parts that are made stand between comments, `<!-- figures -->` up to
`<!-- /figures -->` and the like.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tests.docs.pages import DOCS
from tests.security.clauses import REASONS, Clause, Standard
from tests.security.markers import Shown

PAGE = DOCS / "security.md"
_SHOWN, _PARTLY = "shown", "in part"

Tests = Mapping[str, Sequence[Shown]]


def made(text: str, standards: Sequence[Standard], tests: Tests) -> str:
    """The text of the page, with its made parts as they are now."""
    parts = {"figures": _figures(standards, tests), "clauses": "\n".join(_standard(each, tests) for each in standards)}
    for name, part in parts.items():
        found = re.fullmatch(rf"(.*<!-- {name} -->\n).*(<!-- /{name} -->.*)", text, flags=re.DOTALL)
        if found is None:
            raise ValueError(f"{PAGE.name} needs <!-- {name} --> and <!-- /{name} -->")
        text = f"{found[1]}\n{part.strip()}\n\n{found[2]}"
    return text


def _figures(standards: Sequence[Standard], tests: Tests) -> str:
    columns = [_SHOWN, _PARTLY, *REASONS]
    lines = [f"| standard | clauses | {' | '.join(columns)} |", f"|---|{'---:|' * (len(columns) + 1)}"]
    for standard in standards:
        counts: Counter[str] = Counter()
        for clause in standard.clauses:
            counts[_state(clause, tests)] += clause.covers
        cells = [str(counts[column] or "") for column in columns]
        lines.append(f"| {standard.name} | {counts.total()} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _state(clause: Clause, tests: Tests) -> str:
    if tests.get(clause.id):
        return _PARTLY if clause.partly else _SHOWN
    return clause.reason


def _standard(standard: Standard, tests: Tests) -> str:
    parts = [f"## {standard.title}", standard.note]
    for title, clauses in standard.chapters.items():
        head = "| clause | in our words | shown by, or why not |\n|---|---|---|"
        rows = [f"| {_name(each)} | {each.text} | {_evidence(each, tests)} |" for each in clauses]
        parts += [f"### {title}", "\n".join([head, *rows])]
    return "\n\n".join(parts) + "\n"


def _name(clause: Clause) -> str:
    return f"{clause.id} · L{clause.level}" if clause.level else clause.id


def _evidence(clause: Clause, tests: Tests) -> str:
    links = " · ".join(f"[{_words(each.test)}](../{each.file})" for each in tests.get(clause.id, ()))
    if not links:
        return clause.because
    return f"{links}. In part: {clause.partly}" if clause.partly else links


def _words(test: str) -> str:
    return test.removeprefix("test_").replace("_", " ")
