"""One event of an incident as a CloudEvent 1.0, the same in the feed and in the timeline."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from typing_extensions import TypedDict

from service.rules.looks import Standing, look_at
from service.rules.sight import Viewer
from service.rules.words import EventType
from service.shown.aspect import Aspect
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


def event(viewer: Viewer, stored: StoredEvent, aspect: Aspect | None = None) -> IncidentEvent:
    """The view of one event of an incident, whose aspect is known where the incident itself was read."""
    assert stored.incident_id is not None
    aspect = aspect or aspect_of_event(viewer, stored)
    return {
        **envelope(viewer, stored),
        "data": _data(aspect, stored.data),
        "subject": stored.incident_id,
        "sequence": f"{stored.sequence:010d}",
    }


def aspect_of_event(viewer: Viewer, stored: StoredEvent) -> Aspect:
    """How an event looks to a viewer that comes across it in the feed, by what the event itself says of its incident.
    It does not say whose incident that is: so a reporter has its own name for ops alone, and for itself."""
    incident, by = stored.data["incident"], stored.data["by"]
    reporter = by.get("subject", "") if stored.type == EventType.INCIDENT_REPORTED else ""
    place = incident["grid_code"], incident["category"]
    look = look_at(viewer.actor, Standing(*place, reporter, incident["unit"], incident["state"], False, False))
    return Aspect(viewer, look, stored.incident_id or UUID(int=0), reporter, confidential=True)


def _data(aspect: Aspect, data: EventData) -> EventData:
    by, note = aspect.seen_by(data["by"]), aspect.words(data["note"])
    return data if by is data["by"] and note is data["note"] else {**data, "by": by, "note": note}
