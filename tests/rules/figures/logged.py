"""Events as the log has them, and the facts of calls as the rules have them: what a ledger is held to."""

from __future__ import annotations

from typing import Any

from service.rules.decisions import Event
from service.rules.figures.definition import CallFacts
from service.rules.figures.ledger import LoggedEvent
from service.rules.model import Incident
from service.rules.words import Outcome

_SHOWN = ("level", "unit", "grid_code", "category", "due_at", "due_kind")


def logged(event: Event) -> LoggedEvent:
    """One event as the log would have it, with those of its facts that a ledger may read."""
    at_state = event.at_state
    incident = {name: getattr(at_state, name) for name in _SHOWN}
    data: dict[str, Any] = {"incident": incident, "call": event.call, "by": event.by.as_dict(), **(event.facts or {})}
    return LoggedEvent(at_state.id, event.sequence, event.type, event.at, data)


def facts_of(incident: Incident) -> list[CallFacts]:
    """The facts of all calls of an incident."""
    of_incident: dict[str, Any] = {
        "incident_id": incident.id,
        "grid_code": incident.grid_code,
        "category": incident.category,
    }
    names = [name for name in CallFacts._fields if name not in of_incident]
    calls = (*incident.earlier, incident.call)
    found = [CallFacts(**of_incident, **{name: getattr(call, name) for name in names}) for call in calls]
    return [call if call.outcome is Outcome.CLOSED else call._replace(end_code=None) for call in found]
