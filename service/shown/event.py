"""One event of an incident as a CloudEvent 1.0, the same in the feed and in the timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from typing_extensions import TypedDict

from service.rules.sight import Viewer
from service.rules.words import EventType
from service.shown.references import seen_by
from service.store.log.event_rows import EventData
from service.store.log.feed import StoredEvent


class Envelope(TypedDict):
    """The attributes that every event has. `id` stays the same when the event is numbered, and in a dump and
    restore, and is never given to another event."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: EventType
    time: datetime
    datacontenttype: Literal["application/json"]


class IncidentEvent(Envelope):
    """An event of one incident: `subject` is its id, `sequence` counts its events from 1 and sorts as text."""

    data: EventData
    subject: UUID
    sequence: str


def envelope(viewer: Viewer, stored: StoredEvent) -> Envelope:
    """The attributes of one event."""
    return {
        "specversion": "1.0",
        "id": stored.name,
        "source": f"/sihu/{viewer.world.district}",
        "type": stored.type,
        "time": stored.at,
        "datacontenttype": "application/json",
    }


def event(viewer: Viewer, stored: StoredEvent) -> IncidentEvent:
    """The view of one event of an incident."""
    assert stored.incident_id is not None
    return {
        **envelope(viewer, stored),
        "data": _data(viewer, stored.data),
        "subject": stored.incident_id,
        "sequence": f"{stored.sequence:010d}",
    }


def _data(viewer: Viewer, data: EventData) -> EventData:
    """The data of an event as a viewer may see it: only to partners it looks another."""
    return data if viewer.actor.answers_for is None else {**data, "by": seen_by(viewer, data["by"])}
