"""Rows to the rules' frozen types and back. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Row

from service.rules.model import (
    DISTRICT_DIGITS,
    By,
    Call,
    Cause,
    Clock,
    ClosedAs,
    DueKind,
    Event,
    Ground,
    Incident,
    Kind,
    Level,
    Outcome,
    State,
    Urgency,
)
from service.store.log import Entry
from service.store.tables import call as call_table

CALL_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    column.label(f"call_{column.name}") for column in call_table.c if column.name != "incident_id"
)
"""The columns of `call`, labelled so that they can stand in one row with those of `incident`."""


def incident_of(row: Row[Any], last_call: Call) -> Incident:
    """An incident from a row of `incident`; `last_call` is its call number `seq`."""
    a, b, c, d = row.calls_at
    return Incident(
        id=row.id,
        number=row.number,
        kind=Kind(row.kind),
        state=State(row.state),
        level=Level(row.level),
        unit=row.unit,
        grid_code=row.grid_code,
        category=row.category,
        urgency=Urgency(row.urgency),
        reporter=row.reporter,
        policy=(row.policy_code, row.policy_version),
        reported_at=row.reported_at,
        updated_at=row.updated_at,
        due_at=row.due_at,
        due_kind=DueKind(row.due_kind) if row.due_kind else None,
        wake_at=row.wake_at,
        call=last_call,
        version=row.version,
        sequence=row.sequence,
        calls_at=(a, b, c, d),
        rejects=row.rejects,
        reopened_void=row.reopened_void,
        audience=tuple(row.audience),
        closed_at=row.closed_at,
        closed_as=ClosedAs(row.closed_as) if row.closed_as else None,
        reopen_until=row.reopen_until,
    )


def call_of(row: Row[Any]) -> Call:
    """A call from a row with `CALL_COLUMNS`."""
    return Call(
        seq=row.call_seq,
        level=Level(row.call_level),
        round=row.call_round,
        unit=row.call_unit,
        from_unit=row.call_from_unit,
        cause=Cause(row.call_cause),
        ground=Ground(row.call_ground) if row.call_ground else None,
        reason=row.call_reason,
        opened_at=row.call_opened_at,
        answer_by=row.call_answer_by,
        resolve_by=row.call_resolve_by,
        clock=Clock(row.call_clock),
        answered_at=row.call_answered_at,
        answer=row.call_answer,
        ended_at=row.call_ended_at,
        ended_by=By(**row.call_ended_by) if row.call_ended_by else None,
        outcome=Outcome(row.call_outcome) if row.call_outcome else None,
        result=row.call_result,
        end_code=row.call_end_code,
        end_reason=row.call_end_reason,
        late_s=row.call_late_s,
        binding=row.call_binding,
        assisting=tuple(row.call_assisting),
        rating=row.call_rating,
        attachments=tuple(row.call_attachments),
    )


def new_incident_row(incident: Incident) -> dict[str, Any]:
    """Every column of a new row of `incident`."""
    return {
        "number": incident.number,
        "district": incident.grid_code[:DISTRICT_DIGITS],
        "kind": incident.kind,
        "grid_code": incident.grid_code,
        "category": incident.category,
        "urgency": incident.urgency,
        "reporter": incident.reporter,
        "policy_code": incident.policy[0],
        "policy_version": incident.policy[1],
        "reported_at": incident.reported_at,
        **moved_incident_row(incident),
    }


def moved_incident_row(incident: Incident) -> dict[str, Any]:
    """The key and the columns a decision may change; a fault counter starts again."""
    return {
        "id": incident.id,
        "state": incident.state,
        "level": incident.level,
        "unit": incident.unit,
        "updated_at": incident.updated_at,
        "due_at": incident.due_at,
        "due_kind": incident.due_kind,
        "wake_at": incident.wake_at,
        "faults": 0,
        "seq": incident.call.seq,
        "version": incident.version,
        "sequence": incident.sequence,
        "calls_at": incident.calls_at,
        "rejects": incident.rejects,
        "reopened_void": incident.reopened_void,
        "audience": incident.audience,
        "closed_at": incident.closed_at,
        "closed_as": incident.closed_as,
        "reopen_until": incident.reopen_until,
    }


def opened_call_row(incident: Incident, call: Call) -> dict[str, Any]:
    """A new row of `call`: how it was opened."""
    return {
        "incident_id": incident.id,
        "district": incident.grid_code[:DISTRICT_DIGITS],
        "seq": call.seq,
        "level": call.level,
        "round": call.round,
        "unit": call.unit,
        "from_unit": call.from_unit,
        "cause": call.cause,
        "ground": call.ground,
        "reason": call.reason,
        "opened_at": call.opened_at,
        "answer_by": call.answer_by,
        "clock": call.clock,
        "binding": call.binding,
    }


def changed_call_row(incident: Incident, call: Call) -> dict[str, Any]:
    """The key and the columns that an answer or an end may change."""
    return {
        "incident_id": incident.id,
        "seq": call.seq,
        "resolve_by": call.resolve_by,
        "answered_at": call.answered_at,
        "answer": call.answer,
        "ended_at": call.ended_at,
        "ended_by": call.ended_by.as_dict() if call.ended_by else None,
        "outcome": call.outcome,
        "result": call.result,
        "end_code": call.end_code,
        "end_reason": call.end_reason,
        "late_s": call.late_s,
        "attachments": call.attachments,
    }


def event_data(event: Event) -> Mapping[str, Any]:
    """The `data` of a CloudEvent (contract §3, Events): thin, and as of that event."""
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
    }


def event_entry(event: Event) -> Entry:
    """The log's row of an event, with the area and audience it has now."""
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
