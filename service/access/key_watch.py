"""Requests that are held do not outlive their keys: a key that is revoked or expires, or whose unit ends, ends them
(contract §4)."""

from __future__ import annotations

import logging
from bisect import bisect_right
from datetime import datetime

from service.access.keyring import Keyring
from service.context import RepeatedPart, TurnFault
from service.rules.world import World
from service.web.waiting import HeldRequests

_log = logging.getLogger(__name__)


class KeyWatch(RepeatedPart):
    """Looks again at the keys of all held requests, whenever a key is revoked or expires, a unit ends, or the registry
    changes."""

    PAUSE_S = 0.05
    """The time between two looks at the clock and at the registry. A key that is revoked rings by itself."""
    FAULT = TurnFault("keys", "key_watch_failed", "held requests cannot be looked at")

    _seen: datetime
    _world: World
    _ends: list[datetime]

    def start(self) -> None:
        keyring = self._context.part(Keyring)
        keyring.on_change(self._context.part(HeldRequests).look_again)
        if holder := keyring.holder_of_all(self._context.clock.now()):
            sentence = "%s is ops, security and auditor at once, until a key of security is made: %s"
            _log.info(sentence, holder, "sihu keys create --role security", extra={"event": "holds_all"})
        self._seen, self._world = self._context.clock.now(), self._context.worlds.world
        self._ends = _ends_of_units(self._world)
        super().start()

    async def turn(self) -> None:
        holds, now, world = self._context.part(HeldRequests), self._context.clock.now(), self._context.worlds.world
        if world is not self._world:
            self._world, self._ends = world, _ends_of_units(world)
            await holds.look_again()
        if now > self._seen:  # the clock of the database may be put right, and a key that expired stays expired
            seen, self._seen = self._seen, now
            is_over = self._context.part(Keyring).ends_within(seen, now)
            if is_over or bisect_right(self._ends, seen) < bisect_right(self._ends, now):
                await holds.look_again()


def _ends_of_units(world: World) -> list[datetime]:
    ends = (row.validity.valid_to for rows in world.units.values() for row in rows)
    return sorted(end for end in ends if end is not None)
