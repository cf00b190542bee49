"""Codes in order, so that whether one of them starts with some text is found without looking at all of them."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CodeList:
    """The codes of all rows of one kind, in force or not."""

    ordered: tuple[str, ...]

    @classmethod
    def of(cls, codes: Iterable[str]) -> CodeList:
        return cls(tuple(sorted(set(codes))))

    def any_starts_with(self, prefix: str) -> bool:
        """Whether some code is `prefix` or goes on from it."""
        at = bisect_left(self.ordered, prefix)
        return at < len(self.ordered) and self.ordered[at].startswith(prefix)
