"""The numbers of incidents, such as 2026-000123: a process reserves a block of them at a time."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from service.rules.worktime import ZONE
from service.store.database import Transaction
from service.store.incidents import saving


class Numbers:
    """The numbers that this process has reserved. Gaps are allowed (contract §3): the rest of a block stays unused when
    the process ends, and the numbers of reports that the database refuses."""

    def __init__(self) -> None:
        self._reserved: deque[int] = deque()

    async def reserve(self, tx: Transaction, count: int) -> None:
        """Have at least `count` numbers."""
        while len(self._reserved) < count:
            first = await saving.number_block(tx)
            self._reserved.extend(range(first, first + saving.NUMBER_BLOCK))

    def first(self, now: datetime) -> str:
        """The next number, in the year of `now`. It stays reserved until it is taken."""
        return f"{now.astimezone(ZONE).year}-{self._reserved[0]:06d}"

    def take(self) -> None:
        """Use up the next number."""
        self._reserved.popleft()

    def give_up(self) -> None:
        """Forget what was reserved. A database that was taken back gives these numbers to others once more."""
        self._reserved.clear()
