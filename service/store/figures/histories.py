"""The logged history of every incident with a call in a month. Figures are checked against it, and never served from
it: finding those incidents reads the log from end to end."""

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
    """All events of each incident of which a call was opened in this month, one incident after the other."""
    opened = select(event.c.incident_id).where(event.c.type == _OPENED, event.c.at >= period.start)
    columns = event.c.incident_id, event.c.sequence, event.c.type, event.c.at, event.c.data
    whole = select(*columns).where(event.c.incident_id.in_(opened.where(event.c.at < period.end)))
    history: list[LoggedEvent] = []
    async with connection.stream(whole.order_by(event.c.incident_id, event.c.sequence)) as rows:
        async for page in rows.partitions(_PAGE):  # row by row, most of the time goes into waiting for rows at hand
            for logged in map(LoggedEvent._make, page):
                if history and history[-1].incident_id != logged.incident_id:
                    yield history
                    history = []
                history.append(logged)
    if history:
        yield history
