"""How far a long command has come: a line on standard error now and then, and none for a command that is quick."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from service import clock

_FIRST_S, _LAST_S = 2.0, 60.0
_UNITS = ("bytes", "KB", "MB", "GB", "TB")


class TableProgress:
    """Counts tables, of which there are `tables`. `done_bytes` tells how many bytes were written so far."""

    def __init__(self, tables: int, done_bytes: Callable[[], int] | None = None) -> None:
        self._tables = tables
        self._done_bytes = done_bytes
        self._begun = 0

    def note(self, is_table: bool) -> None:
        """Take note of something done, the beginning of another table if `is_table`."""
        self._begun += is_table

    def line(self) -> str:
        """How far it has come, in words."""
        done = "" if self._done_bytes is None else f", {size(self._done_bytes())}"
        return f"table {self._begun} of {self._tables}{done}"


@asynccontextmanager
async def shown(line: Callable[[], str]) -> AsyncIterator[None]:
    """While this block runs, show what `line` says and the seconds spent: after two seconds, and then after twice as
    many each time, at least every minute."""
    task = asyncio.create_task(_show(line, clock.monotonic()))
    try:
        yield
    finally:
        task.cancel()


async def _show(line: Callable[[], str], start: float) -> None:
    pause_s = _FIRST_S
    while True:
        await asyncio.sleep(pause_s)
        print(f"{line()}, {clock.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        pause_s = min(2 * pause_s, _LAST_S)


def size(count: int) -> str:
    """A number of bytes for people: `812 bytes`, `12.3 MB`."""
    value, unit = float(count), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 else f"{value:.1f} {_UNITS[unit]}"
