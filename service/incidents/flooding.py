"""A flood: ops close what one reporter has reported in a short time, page by page (arrow s)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.context import Context
from service.rules import access, lifecycle
from service.rules.acts import Act
from service.rules.arrows import floods as rule
from service.rules.decisions import Decision
from service.rules.model import Actor
from service.rules.words import Arrow, State
from service.store.incidents import floods, loading, saving
from service.store.incidents.saving import Stamp

MAX_TIME = timedelta(hours=24)
MAX_CLOSED = 500
"""Incidents that one request closes, and the most of a page: each page is a transaction."""
_MAX_PAGES = 200
"""Pages of one request: more than there are in any day that is known of."""


@dataclass(frozen=True, slots=True)
class Flood:
    """What `reporter` has reported from `since` to `until`, both included, and why it is closed."""

    reporter: str
    since: datetime
    until: datetime
    reason: str


class FloodView(TypedDict):
    """How many incidents one request has closed, and how many calls it has exempted from the score. Once it has closed
    none, nothing of the flood is left, nothing to exempt either."""

    closed: int
    exempted: int


EXAMPLE: FloodView = {"closed": 500, "exempted": 612}


class _Page(NamedTuple):
    """What was found of a flood, and what has become of it."""

    found: int
    closed: int
    exempted: int


async def flood(context: Context, wanted: Flood, actor: Actor) -> FloodView:
    """Close the next page of a flood. Where a page closes nothing, since there is only something to exempt, or since
    another request was faster, the next one follows at once: an answer of 0 says that nothing is left.

    Raises `Unavailable` when the database cannot be reached.
    """
    exempted = 0
    for _ in range(_MAX_PAGES):
        page = await _page(context, wanted, actor)
        exempted += page.exempted
        if page.closed or not page.found:
            return {"closed": page.closed, "exempted": exempted}
    return {"closed": 0, "exempted": exempted}


async def _page(context: Context, wanted: Flood, actor: Actor) -> _Page:
    async with context.database.begin() as tx:
        world = await context.worlds.fresh(tx)
        ids = await floods.page(tx, wanted.reporter, wanted.since, wanted.until, MAX_CLOSED)
        await saving.lock(tx, ids)
        now, act = context.clock.now(), Act(Arrow.FLOOD, wanted.reason)
        loaded = (await loading.load_all(tx, ids)).values()
        # another request may have closed some of them before this one had its locks
        found = [each.incident for each in loaded if rule.is_of_flood(each.incident)]
        decisions = [lifecycle.flood(each, act, access.party(actor, each), world, now) for each in found]
        stamps = {each.id: Stamp(actor.subject) for each in found}
        committed = await saving.save(tx, decisions, stamps=stamps)
    if committed:
        context.tell(committed)
    context.metrics.calls_ended(decisions)
    return _Page(len(ids), _closed(decisions), sum(call.exempt for each in decisions for call in each.changed))


def _closed(decisions: list[Decision]) -> int:
    return sum(each.before is not None and each.before.state is not State.CLOSED for each in decisions)
