"""The logged history of every incident that was called in a month. Figures are checked against these histories and
never served from them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from sqlalchemy import Select, literal_column, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.figures.definition import Period
from service.rules.figures.ledger import LoggedEvent
from service.rules.words import EventType
from service.store.log.tables import event, event_archive

_PAGE = 1000


async def histories(connection: AsyncConnection, period: Period) -> AsyncIterator[list[LoggedEvent]]:
    """Yield all events of each incident on which a call was opened in this month, one incident at a time."""
    history: list[LoggedEvent] = []
    async with connection.stream(_whole(period)) as rows:
        async for page in rows.partitions(_PAGE):  # one row at a time would mostly be waiting
            for logged in map(LoggedEvent._make, page):
                if history and history[-1].incident_id != logged.incident_id:
                    yield history
                    history = []
                history.append(logged)
    if history:
        yield history


def _whole(period: Period) -> Select[Any]:
    """The events of one incident after the other. `event_at_idx` finds the incidents within the month; OFFSET 0 makes
    the planner look up the events of each, instead of reading those of all incidents that ever were."""
    ever = union_all(*(select(*(each.c[name] for name in LoggedEvent._fields)) for each in (event, event_archive)))
    opened, logged = ever.subquery("opened"), ever.subquery("logged")
    in_month = (opened.c.at >= period.start) & (opened.c.at < period.end)
    found = select(opened.c.incident_id).where(opened.c.type == EventType.CALL_OPENED, in_month).distinct()
    called = found.order_by(opened.c.incident_id).subquery("called")
    story = (
        select(logged)
        .where(logged.c.incident_id == called.c.incident_id)
        .order_by(logged.c.sequence)
        .offset(literal_column("0"))
        .lateral("story")
    )
    return select(story).select_from(called.join(story, true())).order_by(called.c.incident_id, story.c.sequence)
