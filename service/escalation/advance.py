"""Moving the virtual clock: the clock goes from deadline to deadline, and each fires at its own instant."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import NamedTuple

from service.clock import VirtualClock
from service.escalation import seeding, sweep
from service.escalation.seeding import Tell
from service.metrics import Metrics
from service.rules.errors import Rule, wrong_field
from service.rules.sentences import Sentence
from service.rules.spot_checks import Seeds
from service.rules.worktime import LAST_START
from service.store.database import Database
from service.store.incidents import claiming
from service.worlds import CurrentWorld

MAX_STEP_S = 10 * 366 * 86_400
"""How far one movement goes: ten years. A longer one would fire deadlines for hours."""


class Arrival(NamedTuple):
    """The end of a movement: the time at which the clock stands, and how many deadlines fired on the way."""

    now: datetime
    fired: int


class Advancer:
    """Moves the virtual clock of one process. Of two movements at the same time, the second waits for the first."""

    def __init__(
        self, database: Database, worlds: CurrentWorld, clock: VirtualClock, tell: Tell, metrics: Metrics
    ) -> None:
        self.clock = clock
        self._database = database
        self._worlds = worlds
        self._tell = tell
        self._metrics = metrics
        self._turn = asyncio.Lock()

    async def to(self, moment: datetime) -> Arrival:
        """Move the clock forward to `moment` and fire every deadline on the way.

        Raises:
            ValidationFailed: `moment` lies before now, also when another movement has passed it meanwhile, or too far
                ahead. The fault is at `/to`.
        """
        async with self._turn:
            return await self._advance(moment, "/to")

    async def by(self, step: timedelta) -> Arrival:
        """Move the clock forward by `step`, counted from where the movement before has left it, and fire every deadline
        on the way.

        Raises:
            ValidationFailed: the step is negative or leads too far ahead. The fault is at `/seconds`.
        """
        async with self._turn:
            return await self._advance(self.clock.now() + step, "/seconds")

    async def stay(self) -> int:
        """Fire the deadlines that are due, and leave the clock where it is, such as after a change of the calendar.
        Returns how many fired."""
        async with self._turn:
            return await self._travel(self.clock.now())

    async def _advance(self, moment: datetime, pointer: str) -> Arrival:
        now = self.clock.now()
        if moment < now:
            detail = Sentence("It is already {now}: the clock only moves forward. Send a later time.", now=now)
            raise wrong_field(pointer, detail, Rule.OUT_OF_RANGE, min=now)
        if moment >= LAST_START or moment - now > timedelta(seconds=MAX_STEP_S):
            detail = Sentence(
                "It is {now} now: move by ten years at most, and not as far as {end}, when the calendars end.",
                now=now,
                end=LAST_START,
            )
            raise wrong_field(pointer, detail, Rule.OUT_OF_RANGE)
        return Arrival(moment, await self._travel(moment))

    async def _travel(self, moment: datetime) -> int:
        await seeding.make_ahead(self._database, self.clock.now(), self._tell, until=moment)
        fired = 0
        seeds: Seeds = {}
        while True:
            async with self._database.read() as connection:
                nearest = await claiming.next_wake(connection)
            if nearest is None or nearest > moment:
                self.clock.move_to(moment)
                # the month after this one has no seed yet, if others were passed; and its event stores how late it is,
                # by which keys end that are made on the command line
                await seeding.ready(self._database, moment, self._tell)
                return fired
            self.clock.move_to(max(nearest, self.clock.now()))
            front = sweep.Front(seeds=seeds)
            swept = await sweep.run_once(self._database, self._worlds, self.clock.now(), self._tell, front=front)
            seeds = front.seeds
            self._metrics.swept(swept.fired, swept.backed_off, swept.lateness)
            self._metrics.calls_ended(swept.decisions)
            fired += swept.fired
