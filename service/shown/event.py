"""One event of the log as a CloudEvent 1.0, the same in the feed and in the timeline of its incident."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NotRequired
from uuid import UUID

from typing_extensions import TypeAliasType, TypedDict

from service.rules.sight import Viewer
from service.rules.words import Cause, ClosedAs, DueKind, EventType, Kind, Level, State, Urgency
from service.shown.references import ByView
from service.store.log.feed import StoredEvent


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


class EventData(TypedDict):
    """The data of an event of an incident: `call` is the number of the call concerned, `note` holds the words of
    whoever acted. The fields listed last come with some types of event only."""

    incident: EventIncident
    call: int
    by: ByView
    note: str | None
    answer_by: NotRequired[datetime]
    binding: NotRequired[bool]
    cause: NotRequired[Cause]
    closed_as: NotRequired[ClosedAs]
    duty: NotRequired[str | None]
    into: NotRequired[UUID]
    merged: NotRequired[UUID]
    number: NotRequired[str]
    provisional: NotRequired[bool]
    reason_code: NotRequired[str | None]
    score: NotRequired[int]
    to: NotRequired[str]
    units: NotRequired[list[str]]
    was_due_at: NotRequired[datetime]


class _Envelope(TypedDict):
    """The attributes that every event has. `id` stays the same when the event is numbered, and in a dump and
    restore."""

    specversion: Literal["1.0"]
    id: str
    source: str
    type: EventType
    time: datetime
    datacontenttype: Literal["application/json"]


class RegistryEvent(_Envelope):
    """An event without an incident: of the registry, a policy, a calendar or a key. Only auditors and ops see it."""

    data: Mapping[str, object]


class IncidentEvent(_Envelope):
    """An event of one incident: `subject` is its id, `sequence` counts its events from 1 and sorts as text."""

    data: EventData
    subject: UUID
    sequence: str


CloudEvent = TypeAliasType("CloudEvent", IncidentEvent | RegistryEvent)


def event(viewer: Viewer, stored: StoredEvent) -> CloudEvent:
    """The view of one event."""
    envelope: _Envelope = {
        "specversion": "1.0",
        "id": f"{stored.batch_id}-{stored.ord}",
        "source": f"/sihu/{viewer.world.district}",
        "type": stored.type,
        "time": stored.at,
        "datacontenttype": "application/json",
    }
    if stored.incident_id is None:
        return {**envelope, "data": stored.data}
    return {
        **envelope,
        "data": stored.data,
        "subject": stored.incident_id,
        "sequence": f"{stored.sequence:010d}",
    }
