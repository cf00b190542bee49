"""The timeline of one incident as CloudEvents. The feed shows the events of all incidents."""

from __future__ import annotations

from uuid import UUID

from service.rules.sight import Viewer
from service.shown.event import IncidentEvent, event
from service.store.database import Database
from service.store.log import feed
from service.web.paging import ItemPage


async def timeline(database: Database, viewer: Viewer, incident_id: UUID) -> ItemPage[IncidentEvent]:
    """Every event of one incident, oldest first. Whoever sees the incident sees all its events; the caller has checked
    that the viewer sees it."""
    async with database.read() as connection:
        stored = await feed.timeline(connection, incident_id)
    return {"items": [event(viewer, each) for each in stored], "next_cursor": None}
