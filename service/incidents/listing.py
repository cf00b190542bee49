"""The list of incidents: what to look for, what may be seen, one page of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from service.incidents.acting import People
from service.incidents.schemas import ListQuery
from service.rules.model import Actor
from service.rules.sight import sight_of
from service.shown import row
from service.store.incidents import lists
from service.store.incidents.lists import IncidentFilter
from service.web.cursors import Cursors, kind_of


async def page(people: People, cursors: Cursors, query: ListQuery, actor: Actor) -> dict[str, Any]:
    """`{"items", "next_cursor"}`; a cursor only fits the filters it came with.

    Raises:
        BadCursor: not ours, altered, or of a list with other filters.
    """
    now = people.clock.now()
    kind = kind_of("incidents", query.model_dump(mode="json", exclude={"cursor", "limit"}))
    after = _read(cursors, kind, query.cursor) if query.cursor else None
    async with people.database.read() as connection:
        wanted = _filter(query, actor, now)
        found = await lists.page(connection, wanted, sight_of(actor), after, query.limit + 1)
    shown, world = found[: query.limit], people.worlds.world
    last = shown[-1] if len(found) > query.limit else None
    cursor = cursors.sign(kind, [last["reported_at"].isoformat(), str(last["id"])]) if last else None
    return {"items": [row.row(each, world, now) for each in shown], "next_cursor": cursor}


def _filter(query: ListQuery, actor: Actor, now: datetime) -> IncidentFilter:
    return IncidentFilter(
        states=tuple(query.state),
        level=query.level,
        unit=query.unit,
        area=query.area,
        category=query.category,
        line=query.line,
        urgency=query.urgency,
        kind=query.kind,
        overdue_at=now if query.overdue is True else None,
        not_overdue_at=now if query.overdue is False else None,
        reporter=actor.subject if query.reporter else None,
        reported_after=query.reported_after,
        reported_before=query.reported_before,
        updated_after=query.updated_after,
    )


def _read(cursors: Cursors, kind: str, text: str) -> tuple[datetime, UUID]:
    reported_at, incident_id = cursors.read(kind, text)
    return datetime.fromisoformat(reported_at), UUID(incident_id)
