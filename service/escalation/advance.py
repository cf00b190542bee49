"""Moving the virtual clock: the clock goes from deadline to deadline, and each fires at its own instant."""

from __future__ import annotations

import asyncio
from datetime import datetime

from service.clock import VirtualClock
from service.escalation import sweep
from service.escalation.sweep import Tell
from service.rules.errors import Rule, wrong_field
from service.rules.sentences import Sentence
from service.store.database import Database
from service.store.incidents import claiming
from service.worlds import CurrentWorld


class Advancer:
    """Moves the virtual clock of one process. Of two movements at the same time, the second waits for the first."""

    def __init__(self, database: Database, worlds: CurrentWorld, clock: VirtualClock, tell: Tell) -> None:
        self.clock = clock
        self._database = database
        self._worlds = worlds
        self._tell = tell
        self._turn = asyncio.Lock()

    async def to(self, moment: datetime, pointer: str = "/to") -> int:
        """Move the clock forward to `moment` and fire every deadline on the way. Returns how many fired.

        Raises:
            ValidationFailed: `moment` lies before now. The fault is at `pointer`.
        """
        async with self._turn:
            now = self.clock.now()
            if moment < now:
                detail = Sentence("It is already {now}: the clock only moves forward.", now=now)
                raise wrong_field(pointer, detail, Rule.OUT_OF_RANGE, min=now)
            return await self._travel(moment)

    async def stay(self) -> int:
        """Fire the deadlines that are due, and leave the clock where it is, such as after a change of the calendar.
        Returns how many fired."""
        async with self._turn:
            return await self._travel(self.clock.now())

    async def _travel(self, moment: datetime) -> int:
        fired = 0
        while True:
            async with self._database.read() as connection:
                nearest = await claiming.next_wake(connection)
            if nearest is None or nearest > moment:
                self.clock.move_to(moment)
                return fired
            self.clock.move_to(max(nearest, self.clock.now()))
            swept = await sweep.run_once(self._database, self._worlds, self.clock.now(), self._tell)
            fired += swept.fired
