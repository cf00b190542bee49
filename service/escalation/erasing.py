"""The texts and the contact of an incident are erased: some years after its close by the engine, or at once by ops. The
incident stays, with its calls, its events and all that figures are made of."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from service.context import Context, RepeatedPart, TurnFault
from service.rules import personal
from service.rules.model import CLOCK, By
from service.rules.world import World
from service.store.database import Database, StatementRefused, Transaction
from service.store.incidents import loading, saving, texts
from service.store.incidents.texts import ClosePlace
from service.store.log.writing import Committed

_log = logging.getLogger(__name__)

PAGE = 100
"""Incidents of one transaction."""
_EVERY = timedelta(seconds=60)
"""By the service's clock: whoever advances a virtual one need not wait."""


async def erase(
    database: Database, ids: Sequence[UUID], by: By, world: World, now: datetime, tell: Callable[[Committed], None]
) -> int:
    """Erase the texts and contacts of these incidents, open and closed ones alike, page by page. Those without any are
    passed over. Returns how many there were. Raises `Unavailable`; the pages before stay erased."""
    erased = 0
    for start in range(0, len(ids), PAGE):
        some = ids[start : start + PAGE]
        async with database.begin() as tx:
            await saving.lock(tx, some)
            left = [each.id for each in await texts.named(tx, [], some) if each.has_texts]
            committed = await _erase_page(tx, left, by, world, now)
        if committed is not None:
            tell(committed)
        erased += len(left)
    return erased


async def _erase_page(tx: Transaction, ids: Sequence[UUID], by: By, world: World, now: datetime) -> Committed | None:
    """Erase the texts of incidents whose locks are held, and write one event for each."""
    if not ids:
        return None
    loaded = await loading.load_all(tx, ids)
    committed = await saving.save(tx, [personal.erase(each.incident, by, world, now) for each in loaded.values()])
    await texts.erase(tx, ids, now)
    return committed


class Erasure(RepeatedPart):
    """Erases what was closed `years` ago. Every process with an engine does so, and they share the work. A page is
    erased whole or not at all, so whoever stops leaves nothing half done."""

    PAUSE_S = 1.0
    FAULT = TurnFault("erasure", "erasure_failed", "texts cannot be erased")

    def __init__(self, context: Context, years: int) -> None:
        super().__init__(context)
        self._years = years
        self._looked_at: datetime | None = None

    async def run_once(self) -> int:
        """Erase everything whose time has come. Returns how many incidents that were. Raises `Unavailable`."""
        before = years_before(self._context.clock.now(), self._years)
        erased, place = 0, None
        while True:
            page, done = await self._next(before, PAGE, place)
            erased += done
            if len(page) < PAGE:
                return erased
            place = page[-1]

    async def _next(self, before: datetime, limit: int, place: ClosePlace | None) -> tuple[Sequence[ClosePlace], int]:
        """Erase the next page after a place. Returns the incidents of the page, and how many of them were erased: a
        page that the database refuses is taken one by one."""
        page: Sequence[ClosePlace] = ()
        try:
            async with self._context.database.begin() as tx:
                world = await self._context.worlds.fresh(tx)
                page = await texts.claim(tx, before, limit, place)
                committed = await _erase_page(tx, [each.id for each in page], CLOCK, world, self._context.clock.now())
        except StatementRefused as error:
            if not page:
                raise
            if len(page) == 1:
                _log.exception("the texts of %s cannot be erased", page[0].id, extra={"event": "erasure_failed"})
                self._context.metrics.fault("erasure", error)
                return page, 0
            return page, await self._one_by_one(before, page, place)
        if committed is not None:
            self._context.tell(committed)
        return page, len(page)

    async def _one_by_one(self, before: datetime, page: Sequence[ClosePlace], place: ClosePlace | None) -> int:
        erased = 0
        for each in page:
            _, done = await self._next(before, 1, place)
            erased, place = erased + done, each
        return erased

    async def turn(self) -> None:
        now = self._context.clock.now()
        if self._looked_at is None or now - self._looked_at >= _EVERY:
            self._looked_at = now
            await self.run_once()


def years_before(now: datetime, years: int) -> datetime:
    """The moment so many years before `now`. Where that year has no 29th of February, it is the 28th."""
    try:
        return now.replace(year=now.year - years)
    except ValueError:
        return now.replace(year=now.year - years, day=28)
