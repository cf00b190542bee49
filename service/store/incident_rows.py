"""Rows to the rules' frozen types and back. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row

from service.rules.model import By, Call, Decision, Incident, Request
from service.rules.words import (
    DISTRICT_DIGITS,
    Asked,
    Cause,
    Clock,
    ClosedAs,
    Decided,
    DueKind,
    Ground,
    Kind,
    Level,
    Outcome,
    State,
    Urgency,
)
from service.store.tables import call as call_table
from service.store.tables import incident as incident_table

_Word = TypeVar("_Word", bound=StrEnum)


def _or_none(words: type[_Word]) -> dict[str | None, _Word | None]:
    return {None: None, **{each.value: each for each in words}}


# a look-up instead of a call of the enum class: four times as fast, and a sweep makes ten a row
_KIND = {each.value: each for each in Kind}
_STATE = {each.value: each for each in State}
_LEVEL = {each.value: each for each in Level}
_URGENCY = {each.value: each for each in Urgency}
_CAUSE = {each.value: each for each in Cause}
_CLOCK = {each.value: each for each in Clock}
_DUEKIND = _or_none(DueKind)
_CLOSEDAS = _or_none(ClosedAs)
_GROUND = _or_none(Ground)
_OUTCOME = _or_none(Outcome)

INCIDENT_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    incident_table.c[name]
    for name in (
        *("id", "number", "kind", "state", "level", "unit", "grid_code", "category", "urgency", "reporter"),
        *("policy_code", "policy_version", "reported_at", "updated_at", "due_at", "due_kind", "wake_at"),
        *("version", "sequence", "calls_at", "rejects", "reopened_void", "audience"),
        *("closed_at", "closed_as", "reopen_until", "warned", "provisional"),
    )
)
"""What `incident_of` takes, in its order: by position, for a look-up by name costs ten times as much, and a sweep makes
thirty-five a row."""
_OPENING = ("seq", "level", "round", "unit", "from_unit", "cause", "opened_at", "answer_by", "clock")
_LATER = tuple(name for name in Call._fields if name not in _OPENING)
_BOXED = ("answered_at", "resolve_by")
_OPENING_COLUMNS = tuple(call_table.c[name].label(f"call_{name}") for name in _OPENING)
DUE_COLUMNS = (*_OPENING_COLUMNS, *(call_table.c[name].label(f"call_{name}") for name in _BOXED))
"""What was written of a call when it opened and when it was answered: all that a deadline needs of it."""
CALL_COLUMNS = (*_OPENING_COLUMNS, *(call_table.c[name].label(f"call_{name}") for name in _LATER))
"""The columns of `call`, labelled so that they can stand in one row with those of `incident`."""


def incident_of(values: Sequence[Any], last_call: Call, requests: tuple[Request, ...] = ()) -> Incident:
    """An incident from the values of `INCIDENT_COLUMNS`; `last_call` is its call number `seq`, `requests` are all."""
    id_, number, kind, state, level, unit, grid_code, category, urgency, reporter, *rest = values
    code, version_of, reported_at, updated_at, due_at, due_kind, wake_at, *rest = rest
    version, sequence, calls_at, rejects, reopened_void, audience, *rest = rest
    closed_at, closed_as, reopen_until, warned, provisional = rest
    return Incident(
        id_,
        number,
        _KIND[kind],
        _STATE[state],
        _LEVEL[level],
        unit,
        grid_code,
        category,
        _URGENCY[urgency],
        reporter,
        (code, version_of),
        reported_at,
        updated_at,
        due_at,
        _DUEKIND[due_kind],
        wake_at,
        last_call,
        version,
        sequence,
        tuple(calls_at),
        rejects,
        reopened_void,
        tuple(audience),
        closed_at,
        _CLOSEDAS[closed_as],
        reopen_until,
        warned,
        provisional,
        requests,
    )


def due_call_of(values: Sequence[Any]) -> Call:
    """An open call from the values of `DUE_COLUMNS`: what people said is left out, and so is not written again."""
    *opening, answered_at, resolve_by = values
    call = _opening_of(opening)
    return call if answered_at is None else call._replace(answered_at=answered_at, resolve_by=resolve_by)


def _opening_of(values: Sequence[Any]) -> Call:
    seq, level, round_, unit, from_unit, cause, opened_at, answer_by, clock = values
    return Call(seq, _LEVEL[level], round_, unit, from_unit, _CAUSE[cause], opened_at, answer_by, _CLOCK[clock])


def call_of(values: Sequence[Any]) -> Call:
    """A call from the values of `CALL_COLUMNS`."""
    later = dict(zip(_LATER, values[len(_OPENING) :], strict=True))
    later["ground"] = _GROUND[later["ground"]]
    later["outcome"] = _OUTCOME[later["outcome"]]
    later["ended_by"] = By(**later["ended_by"]) if later["ended_by"] else None
    later["assisting"], later["attachments"] = tuple(later["assisting"]), tuple(later["attachments"])
    return _opening_of(values[: len(_OPENING)])._replace(**later)


_MOVED = {
    "id": "id",
    "state": "state",
    "level": "level",
    "unit": "unit",
    "updated_at": "updated_at",
    "due_at": "due_at",
    "due_kind": "due_kind",
    "wake_at": "wake_at",
    "seq": "call.seq",
    "version": "version",
    "sequence": "sequence",
    "calls_at": "calls_at",
    "audience": "audience",
    "warned": "warned",
    "provisional": "provisional",
}
"""Column → attribute, for the key and what nearly every decision changes."""
_RARELY_MOVED = {name: name for name in ("rejects", "reopened_void", "closed_at", "closed_as", "reopen_until")}
_FIXED = {
    "number": "number",
    "kind": "kind",
    "grid_code": "grid_code",
    "category": "category",
    "urgency": "urgency",
    "reporter": "reporter",
    "reported_at": "reported_at",
}
_OPENED = ("seq", "level", "round", "unit", "from_unit", "cause", "ground", "reason", "opened_at", "answer_by", "clock")
_CHANGED = (
    "answer_by",
    "resolve_by",
    "answered_at",
    "answer",
    "ended_at",
    "outcome",
    "result",
    "end_code",
    "end_reason",
    "late_s",
    "attachments",
)

_REQUESTED = tuple(name for name in Request._fields if name not in ("asked_by", "decided_by"))

Page = dict[str, Sequence[Any]]
"""Rows by columns, as `bulk` takes them."""


def _page(attributes: Mapping[str, str], rows: Sequence[Any]) -> Page:
    get = attrgetter(*attributes.values())
    return dict(zip(attributes, zip(*map(get, rows), strict=True), strict=True)) if rows else {}


def new_incidents(incidents: Sequence[Incident]) -> Page:
    """Every column of new rows of `incident`."""
    return {
        **_page({**_FIXED, **_MOVED, **_RARELY_MOVED}, incidents),
        **_asked(incidents),
        "district": [each.grid_code[:DISTRICT_DIGITS] for each in incidents],
        "policy_code": [each.policy[0] for each in incidents],
        "policy_version": [each.policy[1] for each in incidents],
    }


def moved_incidents(decisions: Sequence[Decision]) -> Page:
    """The keys and the columns that these decisions change. A page in which nothing rare moves does not write it."""
    after = [each.after for each in decisions]
    rare = any(_rarely(each.before) != _rarely(each.after) for each in decisions)
    return {**_page({**_MOVED, **_RARELY_MOVED}, after), **_asked(after)} if rare else _page(_MOVED, after)


_rarely = attrgetter(*_RARELY_MOVED, "requests")


def _asked(incidents: Sequence[Incident]) -> Page:
    return {"requests": [len(each.requests) for each in incidents]}


def asked_requests(decisions: Sequence[Decision]) -> Page:
    """Whole rows of `request`: those that these decisions opened, decided or resumed."""
    found = [(each.after, each.request) for each in decisions if each.request]
    return {
        "incident_id": [incident.id for incident, _ in found],
        "district": [incident.grid_code[:DISTRICT_DIGITS] for incident, _ in found],
        **_page({name: name for name in _REQUESTED}, [request for _, request in found]),
        "asked_by": [request.asked_by.as_dict() for _, request in found],
        "decided_by": [request.decided_by.as_dict() if request.decided_by else None for _, request in found],
    }


def request_of(row: Row[Any]) -> Request:
    """A request from a row of `request`."""
    return Request(
        row.n,
        Asked(row.kind),
        row.call,
        row.until,
        row.reason,
        By(**row.asked_by),
        row.asked_at,
        By(**row.decided_by) if row.decided_by else None,
        row.decided_at,
        row.decided_reason,
        Decided(row.outcome) if row.outcome else None,
        _DUEKIND[row.box],
        row.resumed_at,
    )


def opened_calls(calls: Sequence[tuple[Incident, Call]]) -> Page:
    """New rows of `call`: how they were opened."""
    return {
        "incident_id": [incident.id for incident, _ in calls],
        "district": [incident.grid_code[:DISTRICT_DIGITS] for incident, _ in calls],
        "binding": [call.binding for _, call in calls],
        **_page({name: name for name in _OPENED}, [call for _, call in calls]),
    }


def changed_calls(decisions: Sequence[Decision]) -> Page:
    """The keys and the columns of calls that these decisions change: what was not even loaded is left alone."""
    calls = [(each.before.call, each.ended) for each in decisions if each.before and each.ended]
    names = [name for name in _CHANGED if any(getattr(old, name) != getattr(new, name) for old, new in calls)]
    ended = [call for _, call in calls]
    page = {
        "incident_id": [each.after.id for each in decisions if each.ended],
        **_page({name: name for name in ("seq", *names)}, ended),
    }
    if any(call.ended_by for call in ended):
        page["ended_by"] = [call.ended_by.as_dict() if call.ended_by else None for call in ended]
    return page


def incident_columns(incident: Incident) -> dict[str, Any]:
    """One incident as its row of `incident`, for a view of what was just committed."""
    return {name: values[0] for name, values in new_incidents([incident]).items()}
