"""Requests that are held do not outlive their keys: a key that is revoked or expires ends them (contract §4)."""

from __future__ import annotations

import asyncio

from service.access.keyring import Keyring
from service.context import Context, TaskPart
from service.web.waiting import HeldRequests

_LOOK_S = 0.1
"""The time between two looks at the clock. A key that is revoked rings by itself."""


class KeyWatch(TaskPart):
    """Looks again at the keys of all held requests, whenever a key is revoked or expires."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self) -> None:
        self._context.part(Keyring).on_change(self._context.part(HeldRequests).look_again)
        super().start()

    async def _run(self) -> None:
        keyring, holds, clock = self._context.part(Keyring), self._context.part(HeldRequests), self._context.clock
        seen = clock.now()
        while True:
            await asyncio.sleep(_LOOK_S)
            now = clock.now()
            if now > seen:  # the clock of the database may be put right, and a key that expired stays expired
                if keyring.ends_within(seen, now):
                    await holds.look_again()
                seen = now
