"""Requests that are held do not outlive their keys: a key that is revoked or expires, or whose unit ends, ends them
(contract §4)."""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from datetime import datetime

from service.access.keyring import Keyring
from service.context import Context, TaskPart
from service.rules.world import World
from service.web.waiting import HeldRequests

_log = logging.getLogger(__name__)

_LOOK_S = 0.05
"""The time between two looks at the clock and at the registry. A key that is revoked rings by itself."""


class KeyWatch(TaskPart):
    """Looks again at the keys of all held requests, whenever a key is revoked or expires, a unit ends, or the registry
    changes."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self) -> None:
        keyring = self._context.part(Keyring)
        keyring.on_change(self._context.part(HeldRequests).look_again)
        if holder := keyring.holder_of_all(self._context.clock.now()):
            sentence = "%s is ops, security and auditor at once, until a key of security is made: %s"
            _log.info(sentence, holder, "sihu keys create --role security", extra={"event": "holds_all"})
        super().start()

    async def _run(self) -> None:
        keyring, holds, clock = self._context.part(Keyring), self._context.part(HeldRequests), self._context.clock
        seen, world = clock.now(), self._context.worlds.world
        ends = _ends_of_units(world)
        while True:
            await asyncio.sleep(_LOOK_S)
            now, newest = clock.now(), self._context.worlds.world
            if newest is not world:
                world, ends = newest, _ends_of_units(newest)
                await holds.look_again()
            if now > seen:  # the clock of the database may be put right, and a key that expired stays expired
                if keyring.ends_within(seen, now) or bisect_right(ends, seen) < bisect_right(ends, now):
                    await holds.look_again()
                seen = now


def _ends_of_units(world: World) -> list[datetime]:
    ends = (row.validity.valid_to for rows in world.units.values() for row in rows)
    return sorted(end for end in ends if end is not None)
