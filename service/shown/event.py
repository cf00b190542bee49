"""One event of an incident as a CloudEvent 1.0: without words and without the person, as everybody who sees the event
gets it, and with both, as the timeline has it. The words come to an event here and nowhere else."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, cast
from uuid import UUID

from typing_extensions import TypedDict

from service.rules import logged, texts
from service.rules.logged import ByView, EventFacts
from service.rules.sight import Viewer
from service.rules.words import EventType
from service.shown.aspect import Aspect
from service.store.log.event_rows import EventData, EventIncident
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


class TimelineData(EventFacts):
    """The data of an event with what lies beside the log: `note` holds the words of whoever acted, and `by` has the
    `subject`. Some types of event have further facts, such as a code or a score."""

    incident: EventIncident
    call: int
    by: ByView
    note: str | None


class TimelineEvent(Envelope):
    """An event of one incident, as its timeline has it: `subject` is the id of the incident, `sequence` counts its
    events from 1 and sorts as text."""

    data: TimelineData
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
    """The view of one event of an incident, which is the same for everybody who sees it."""
    assert stored.incident_id is not None
    return {
        **envelope(viewer, stored),
        "data": cast("EventData", texts.parted(stored.type, stored.data).data),
        "subject": stored.incident_id,
        "sequence": _sequence(stored),
    }


def timeline_event(aspect: Aspect, stored: StoredEvent) -> TimelineEvent:
    """The view of one event of an incident with its words and with whoever acted, as much of them as the viewer sees of
    the incident."""
    assert stored.incident_id is not None
    return {
        **envelope(aspect.viewer, stored),
        "data": _with_words(aspect, stored),
        "subject": stored.incident_id,
        "sequence": _sequence(stored),
    }


def _sequence(stored: StoredEvent) -> str:
    return f"{stored.sequence:010d}"


def _with_words(aspect: Aspect, stored: StoredEvent) -> TimelineData:
    data, within = texts.parted(stored.type, stored.data)
    note, subject = stored.words if within == texts.WORDLESS else within
    by = aspect.seen_by(logged.author(data["by"]["kind"], subject, data["by"].get("unit")))
    return cast("TimelineData", {**data, "by": by, "note": aspect.words(note)})
