"""The clauses of the security standards, as `tests/security/standards/` lists them: a file a standard, in words of our
own. A clause that no test shows says why."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "standards"
REASONS = ("a page says it", "not built yet", "the proxy's", "the office's", "does not apply")
"""How the reason of a clause without a test begins; a colon and the rest follow."""


class Clause(NamedTuple):
    """One clause, or several of one kind. `covers` says how many; `partly` what the tests leave out; `because` why
    there are none."""

    id: str
    text: str
    level: int | None = None
    covers: int = 1
    partly: str = ""
    because: str = ""

    @property
    def reason(self) -> str:
        """The kind of `because`, one of `REASONS`."""
        return self.because.partition(":")[0]


class Standard(NamedTuple):
    """One standard, with its clauses by chapter. `name` is what a table of figures calls it."""

    title: str
    name: str
    note: str
    chapters: Mapping[str, Sequence[Clause]]

    @property
    def clauses(self) -> Iterator[Clause]:
        """Every clause, in order."""
        for chapter in self.chapters.values():
            yield from chapter


def standards() -> list[Standard]:
    """Every standard, in the order of their files."""
    return [_read(file) for file in sorted(FOLDER.glob("*.toml"))]


def _read(file: Path) -> Standard:
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    prefix = found["prefix"]
    chapters = {
        title: [Clause(f"{prefix}{number}", **fields) for number, fields in clauses.items()]
        for title, clauses in found["chapters"].items()
    }
    return Standard(found["title"], found["name"], found["note"], chapters)
