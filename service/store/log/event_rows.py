"""The events that the rules record, turned into entries of the log."""

from __future__ import annotations

from datetime import datetime
from typing import cast
from uuid import UUID

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.logged import ByView, EventFacts
from service.rules.model import Event
from service.rules.words import DueKind, Kind, Level, State, Urgency
from service.store.log.writing import Entry


class EventIncident(TypedDict):
    """An incident as it stood when the event happened."""

    id: UUID
    number: str
    kind: Kind
    grid_code: str
    category: str
    urgency: Urgency
    state: State
    level: Level
    unit: str
    due_at: datetime | None
    due_kind: DueKind | None
    version: int


class EventCore(TypedDict):
    """The data of an event of an incident: `call` is the number of the call concerned, `note` holds the words of
    whoever acted."""

    incident: EventIncident
    call: int
    by: ByView
    note: str | None


class EventData(EventCore, EventFacts):
    """The data of an event of an incident: `call` is the number of the call concerned, `note` holds the words of
    whoever acted. Some types of event have further facts, such as a code or a score."""


def event_data(event: Event) -> EventData:
    """Return the `data` of a CloudEvent: the incident in its main fields as they were at that event, and who acted.
    Some event types add facts of their own, such as a code or a score."""
    incident = event.at_state
    core: EventCore = {
        "incident": {
            "id": incident.id,
            "number": incident.number,
            "kind": incident.kind,
            "grid_code": incident.grid_code,
            "category": incident.category,
            "urgency": incident.urgency,
            "state": incident.state,
            "level": incident.level,
            "unit": incident.unit,
            "due_at": incident.due_at,
            "due_kind": incident.due_kind,
            "version": incident.version,
        },
        "call": event.call,
        "by": event.by.as_dict(),
        "note": event.note,
    }
    return cast("EventData", {**core, **event.facts} if event.facts else core)


def event_entry(event: Event) -> Entry:
    """Return the log's entry for an event, with the area and the audience that its incident had at that event."""
    incident = event.at_state
    return Entry(
        type=event.type,
        at=event.at,
        area=incident.grid_code,
        unit=incident.unit,
        audience=(*incident.audience, f"@{incident.reporter}"),
        data=event_data(event),
        incident_id=incident.id,
        sequence=event.sequence,
    )
