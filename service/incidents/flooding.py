"""A flood: ops close what one reporter has reported in a short time, page by page (arrow s)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

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
"""Incidents that one request closes, in one transaction."""


@dataclass(frozen=True, slots=True)
class Flood:
    """What `reporter` has reported from `since` to `until`, both included, and why it is closed."""

    reporter: str
    since: datetime
    until: datetime
    reason: str


class FloodView(TypedDict):
    """How many incidents one request has closed, and how many calls it has exempted from the score."""

    closed: int
    exempted: int


EXAMPLE: FloodView = {"closed": 500, "exempted": 612}


async def flood(context: Context, wanted: Flood, actor: Actor) -> FloodView:
    """Close the next page of a flood. A page that finds nothing changes nothing.

    Raises `Unavailable` when the database cannot be reached.
    """
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
    return _counted(decisions)


def _counted(decisions: list[Decision]) -> FloodView:
    closed = sum(each.before is not None and each.before.state is not State.CLOSED for each in decisions)
    return {"closed": closed, "exempted": sum(call.exempt for each in decisions for call in each.changed)}
