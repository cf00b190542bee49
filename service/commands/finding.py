"""One finding of `sihu doctor`."""

from __future__ import annotations

from typing import NamedTuple


class Finding(NamedTuple):
    """The result of one check. `sentence` says what was found and, when it is not `good`, the command that mends it. A
    `warning` is nothing bad yet."""

    good: bool
    sentence: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{'warn' if self.warning else 'ok  ' if self.good else 'BAD '} {self.sentence}"


def warned(sentence: str) -> Finding:
    """A finding that is nothing bad yet."""
    return Finding(True, sentence, warning=True)
