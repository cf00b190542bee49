"""The events that the rules record, turned into entries of the log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.rules.model import Event
from service.store.log.writing import Entry


def event_data(event: Event) -> Mapping[str, Any]:
    """Return the `data` of a CloudEvent: the incident in its main fields as they were at that event, and who acted.
    Some event types add facts of their own, such as a code or a score."""
    incident = event.at_state
    return {
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
        **(event.facts or {}),
    }


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
