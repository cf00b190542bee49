"""On which day each key was used last: noted in memory at the gate, written here, at most once a day for each key."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from datetime import datetime
from uuid import UUID

from service.access.keyring import Keyring
from service.context import RepeatedPart, TurnFault
from service.rules.errors import Unavailable
from service.store.access import keys
from service.store.database import StatementRefused

_AT_ONCE = 1000
"""How many keys one transaction notes."""


class KeyUse(RepeatedPart):
    """Writes the uses that the keyring has noted. A process that is killed loses the notes of a few seconds: those keys
    are noted again on the next day."""

    PAUSE_S = 5.0
    FAULT = TurnFault("keys", "key_use_failed", "the use of keys cannot be written")

    async def turn(self) -> None:
        await self.write()

    async def stop(self) -> None:
        await super().stop()
        with contextlib.suppress(Unavailable, StatementRefused):
            await self.write()

    async def write(self) -> None:
        """Write what is noted. Raises `Unavailable` or `StatementRefused`; what is not written is kept."""
        keyring = self._context.part(Keyring)
        left = keyring.take_uses()
        try:
            for day, key_ids in _by_day(left).items():
                for start in range(0, len(key_ids), _AT_ONCE):
                    some = key_ids[start : start + _AT_ONCE]
                    async with self._context.database.begin() as tx:
                        await keys.note_use(tx, some, day)
                    for key_id in some:
                        del left[key_id]
        finally:
            keyring.give_back(left)


def _by_day(uses: dict[UUID, datetime]) -> dict[datetime, list[UUID]]:
    days: dict[datetime, list[UUID]] = defaultdict(list)
    for key_id, day in uses.items():
        days[day].append(key_id)
    return days
