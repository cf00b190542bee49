"""The logged history of every incident that was called in a month. Figures are checked against these histories and
never served from them, since finding the incidents means reading the log from end to end."""

from __future__ import annotations

from collections.abc import AsyncIterator

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.figures.definition import Period
from service.rules.figures.ledger import LoggedEvent
from service.rules.words import EventType
from service.store.log.tables import event

_OPENED = EventType.CALL_OPENED
_PAGE = 1000


async def histories(connection: AsyncConnection, period: Period) -> AsyncIterator[list[LoggedEvent]]:
    """Yield all events of each incident on which a call was opened in this month, one incident at a time."""
    opened = select(event.c.incident_id).where(event.c.type == _OPENED, event.c.at >= period.start)
    columns = event.c.incident_id, event.c.sequence, event.c.type, event.c.at, event.c.data
    whole = select(*columns).where(event.c.incident_id.in_(opened.where(event.c.at < period.end)))
    history: list[LoggedEvent] = []
    async with connection.stream(whole.order_by(event.c.incident_id, event.c.sequence)) as rows:
        async for page in rows.partitions(_PAGE):  # one row at a time would mostly be waiting
            for logged in map(LoggedEvent._make, page):
                if history and history[-1].incident_id != logged.incident_id:
                    yield history
                    history = []
                history.append(logged)
    if history:
        yield history
