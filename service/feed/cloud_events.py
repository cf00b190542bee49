"""Stored events as CloudEvents 1.0, for the feed and for one incident's timeline."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from service.rules.model import Actor
from service.rules.sight import sight_of
from service.rules.words import EventType
from service.store.database import Database
from service.store.log import feed
from service.store.log.feed import FeedFilter, StoredEvent


def cloud_event(stored: StoredEvent, district: str) -> dict[str, Any]:
    """`id` is the same in the feed and in the timeline, before and after numbering, and after a dump and restore."""
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": f"{stored.batch_id}-{stored.ord}",
        "source": f"/sihu/{district}",
        "type": stored.type,
        "time": stored.at,
        "datacontenttype": "application/json",
        "data": stored.data,
    }
    if stored.incident_id is not None:
        event["subject"] = stored.incident_id
        event["sequence"] = f"{stored.sequence:010d}"
    return event


async def timeline_items(database: Database, district: str, incident_id: UUID) -> list[dict[str, Any]]:
    """Every event of one incident, oldest first. Whoever sees the incident sees them all."""
    async with database.read() as connection:
        return [cloud_event(stored, district) for stored in await feed.timeline(connection, incident_id)]


def wanted(actor: Actor, types: tuple[EventType, ...], unit: str | None, area: str | None) -> FeedFilter:
    """What this actor may see of the feed, narrowed by the filters it asked for."""
    return FeedFilter(sight_of(actor), types, unit, area)
