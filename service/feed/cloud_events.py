"""The timeline of one incident as CloudEvents, with words. The feed shows the events of all incidents, without."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from service.context import Context
from service.shown.aspect import Aspect
from service.shown.event import TimelineEvent, timeline_event
from service.store.incidents import timelines
from service.web.cursors import kind_of
from service.web.paging import ItemPage, PageQuery


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """One page that a subject wants of a timeline: at most `limit` events whose sequence is greater than `after`."""

    incident_id: UUID
    after: int
    limit: int
    kind: str


def wanted(context: Context, subject: str, incident_id: UUID, query: PageQuery) -> TimelinePage:
    """The page that a query asks for. Raises `BadCursor` when its cursor is of another timeline or subject."""
    kind = kind_of("timeline", {"incident": incident_id}, subject)
    after = 0 if query.cursor is None else context.cursors.read(kind, query.cursor)[0]
    return TimelinePage(incident_id, after, query.limit, kind)


async def timeline(context: Context, aspect: Aspect, page: TimelinePage) -> ItemPage[TimelineEvent]:
    """One page of the events of an incident, oldest first. Whoever sees the incident sees all its events, as much of
    them as of the incident; the caller has checked that the viewer sees it."""
    async with context.database.read() as connection:
        found = await timelines.timeline(connection, page.incident_id, after=page.after, limit=page.limit + 1)
    shown = found[: page.limit]
    cursor = context.cursors.sign(page.kind, [shown[-1].sequence]) if len(found) > page.limit else None
    return {"items": [timeline_event(aspect, each) for each in shown], "next_cursor": cursor}
