"""What was refused to whom: counted in memory, and written every few seconds for auditors and security (contract-reach
§4, Refusals).

A row counts the refusals of one hour, subject, address, code and operation. It names no path and no key: only the
template of a route. Nobody can fill the database by being refused, since a process tells at most `MAX_AN_HOUR` of them
apart in an hour, and `MAX_OF_ONE` of one subject; all further ones of an operation count together, without subject and
address.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal, get_args

from starlette.types import Scope

from service.context import Context, RepeatedPart, TurnFault
from service.rules import errors
from service.rules.errors import Unavailable
from service.store.access import refusals
from service.store.access.refusals import Refused
from service.store.database import StatementRefused
from service.web import request_log

RefusalCode = Literal["unauthorized", "not_yours", "address_not_allowed", "not_found", "too_many", "quota"]
RECORDED: frozenset[str] = frozenset(get_args(RefusalCode))
"""The codes that say that somebody wanted more than it may have. `not_found` is also what is hidden from the sender,
and counts for those who have signed in."""
MAX_AN_HOUR = 500
"""The rows of one hour that a process tells apart."""
MAX_OF_ONE = 100
"""How many of them one subject may have, and all who did not sign in together: nobody hides others by a flood."""
KEPT = timedelta(days=90)
"""How long rows are kept."""
_HOUR = timedelta(hours=1)

_Row = tuple[datetime, str, str, str, str]
"""Hour, subject, address, code and operation."""


class Refusals(RepeatedPart):
    """Counts the refusals of this process, writes them, and removes those that are older than `KEPT`, by the service's
    clock. A process that is killed loses the counts of a few seconds."""

    PAUSE_S = 5.0
    FAULT = TurnFault("refusals", "refusals_failed", "refusals cannot be written")

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._counts: dict[_Row, Refused] = {}
        self._hour: datetime | None = None
        self._apart: set[_Row] = set()
        self._of_one: Counter[str] = Counter()
        self._removed_until: datetime | None = None

    def note(self, scope: Scope, status: int, route: str) -> None:
        """Count one request that was refused with `status`; `route` is the template of its route."""
        code = request_log.code_of(scope)
        if code is None or not 400 <= status < 500:
            return
        self._context.metrics.refused.labels(code).inc()
        actor = scope.get("actor")
        if code not in RECORDED or (actor is None and code == errors.NotFound.code):
            return
        now = self._context.clock.now()
        subject = "" if actor is None else actor.subject
        row = self._row(now, subject, request_log.address_of(scope), code, f"{request_log.method_of(scope)} {route}")
        earlier = self._counts.get(row)
        self._counts[row] = Refused(*row, 1 + (earlier.count if earlier else 0), now)

    def _row(self, now: datetime, subject: str, address: str, code: str, operation: str) -> _Row:
        """The row in which a refusal counts."""
        hour = now.replace(minute=0, second=0, microsecond=0)
        if hour != self._hour:
            self._hour, self._apart, self._of_one = hour, set(), Counter()
        row = hour, subject, address, code, operation
        if row not in self._apart:
            is_full = max(len(self._apart), len(self._counts)) >= MAX_AN_HOUR
            if is_full or self._of_one[subject] >= MAX_OF_ONE:
                return hour, "", "", code, operation
            self._apart.add(row)
            self._of_one[subject] += 1
        return row

    async def turn(self) -> None:
        await self.write()
        await self.remove_old()

    async def stop(self) -> None:
        await super().stop()
        with contextlib.suppress(Unavailable, StatementRefused):
            await self.write()

    async def write(self) -> None:
        """Write what is counted. Raises `Unavailable` or `StatementRefused`; what is not written is kept."""
        taken, self._counts = self._counts, {}
        if not taken:
            return
        try:
            async with self._context.database.begin() as tx:
                await refusals.count_up(tx, list(taken.values()))
        except BaseException:
            for row, each in taken.items():
                later = self._counts.get(row)
                self._counts[row] = each if later is None else replace(later, count=later.count + each.count)
            raise

    async def remove_old(self) -> None:
        """Remove what is too old, once an hour. Raises `Unavailable` or `StatementRefused`."""
        now = self._context.clock.now()
        if self._removed_until is not None and now < self._removed_until + _HOUR:
            return
        piece = refusals.MAX_PIECE
        while piece == refusals.MAX_PIECE:
            async with self._context.database.begin() as tx:
                piece = await refusals.remove_before(tx, now - KEPT)
        self._removed_until = now
