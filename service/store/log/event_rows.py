"""The events that the rules record become rows of the log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules import logged, workers
from service.rules.decisions import Event
from service.rules.logged import ByUnit, EventFacts, may_be_of_reporter
from service.rules.model import AnyIncident
from service.rules.sight import IN_CONFIDENCE
from service.rules.words import COMMUNITY_DIGITS, STREET_DIGITS, DueKind, EventType, Kind, Level, State, Urgency
from service.store.bulk import ColumnPage, json_bytes, page_of

_CONSEQUENCES = (EventType.CALL_UNROUTED, EventType.CALL_OPENED)


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
    """The data of an event of an incident: `call` is the number of the call concerned. It has no words and no person:
    those are in the timeline."""

    incident: EventIncident
    call: int
    by: ByUnit


class EventData(EventCore, EventFacts):
    """The data of an event of an incident: `call` is the number of the call concerned. It has no words and no person:
    those are in the timeline. Some types of event have further facts, such as a code or a score."""


def event_data(event: Event, act: Event | None = None) -> EventData:
    """Return the `data` of a CloudEvent: the incident in its main fields as they were at that event, and which side
    acted. Some event types add facts of their own, such as a code or a score. `act` is the event of which this one is a
    consequence; None: it is none."""
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
        "by": _side_of(act or event),
    }
    return cast("EventData", {**core, **event.facts} if event.facts else core)


def _side_of(act: Event) -> ByUnit:
    """Return which side acted. The unit of a unit that acts as the reporter in confidence would tell who that is:
    everybody who sees the event sees its data, and for good, so it is never written. A street rates as the street of
    the cell, whoever reported; figures count that by its unit."""
    incident, by = act.at_state, act.by
    if not incident.confidential or by.subject != incident.reporter or not may_be_of_reporter(act.type, act.facts):
        return by.without_person()
    is_street_rating = act.type is EventType.INCIDENT_RATED and by.unit == incident.street
    return by.without_person() if is_street_rating else logged.author(by.kind, None, None)


def _acts(events: Sequence[Event]) -> list[Event]:
    """Return for each event the one that tells of the act: a call is opened by whoever acted before."""
    found: list[Event] = []
    for event in events:
        found.append(found[-1] if event.type in _CONSEQUENCES and found else event)
    return found


def _audiences(events: Sequence[Event]) -> list[tuple[str, ...]]:
    """Return who hears of each event: the audience of its incident and the reporter, and a mark where the incident was
    reported in confidence. When the incident goes to another cell, the community and the street that it leaves hear of
    it as well."""
    found = [_audience(event.at_state) for event in events]
    for n, event in enumerate(events):
        if event.type is EventType.INCIDENT_CORRECTED and (left := _cell_left(event)) is not None:
            found[n] = tuple(dict.fromkeys((*found[n], left[:COMMUNITY_DIGITS], left[:STREET_DIGITS])))
    return found


def _audience(incident: AnyIncident) -> tuple[str, ...]:
    heard = (*incident.audience, *workers.tokens_of(incident.reporter))
    return (*heard, IN_CONFIDENCE) if incident.confidential else heard


def _cell_left(event: Event) -> str | None:
    """Return the cell that a correction takes an incident from; None when it leaves it there."""
    moved = event.facts["changes"].get("grid_code") if event.facts and "changes" in event.facts else None
    return moved["from"] if moved else None


def event_page(events: Sequence[Event]) -> ColumnPage:
    """Return the rows of `event` for these events, each with the area and the audience that its incident had at it."""
    states = [event.at_state for event in events]
    return {
        **page_of({"type": "type", "at": "at", "sequence": "sequence"}, events),
        **page_of({"incident_id": "id", "area": "grid_code", "unit": "unit"}, states),
        "audience": _audiences(events),
        "data": [json_bytes(event_data(event, act)) for event, act in zip(events, _acts(events), strict=True)],
    }
