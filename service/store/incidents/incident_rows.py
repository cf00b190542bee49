"""Rows to the rules' frozen types and back. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row

from service.rules.model import By, Call, Decision, Incident, Request
from service.rules.words import (
    DISTRICT_DIGITS,
    ClosedAs,
    DueKind,
    Kind,
    Level,
    RequestKind,
    State,
    Urgency,
    Verdict,
)
from service.store.bulk import ColumnPage, page_of
from service.store.incidents.tables import incident as incident_table

_Word = TypeVar("_Word", bound=StrEnum)


def _or_none(words: type[_Word]) -> dict[str | None, _Word | None]:
    return {None: None, **{each.value: each for each in words}}


# a look-up instead of a call of the enum class: four times as fast, and a sweep makes ten a row
_KIND = {each.value: each for each in Kind}
_STATE = {each.value: each for each in State}
_LEVEL = {each.value: each for each in Level}
_URGENCY = {each.value: each for each in Urgency}
_DUEKIND = _or_none(DueKind)
_CLOSEDAS = _or_none(ClosedAs)

INCIDENT_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(
    incident_table.c[name]
    for name in (
        *("id", "number", "kind", "state", "level", "unit", "grid_code", "category", "urgency", "reporter"),
        *("policy_code", "policy_version", "reported_at", "updated_at", "due_at", "due_kind", "wake_at"),
        *("version", "sequence", "calls_at", "rejects", "reopened_void", "audience"),
        *("closed_at", "closed_as", "reopen_until", "warned", "provisional"),
        *("returns", "assisting", "rating", "merged_into"),
    )
)
"""What `incident_of` takes, in its order: by position, for a look-up by name costs ten times as much, and a sweep makes
thirty-five a row."""


def incident_of(
    values: Sequence[Any], last_call: Call, requests: tuple[Request, ...] = (), earlier: tuple[Call, ...] = ()
) -> Incident:
    """An incident from the values of `INCIDENT_COLUMNS`; `last_call` is its call number `seq`, `requests` are all,
    `earlier` the calls before where anybody asks for them."""
    id_, number, kind, state, level, unit, grid_code, category, urgency, reporter, *rest = values
    code, version_of, reported_at, updated_at, due_at, due_kind, wake_at, *rest = rest
    version, sequence, calls_at, rejects, reopened_void, audience, *rest = rest
    closed_at, closed_as, reopen_until, warned, provisional, *rest = rest
    returns, assisting, rating, merged_into = rest
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
        returns,
        tuple(assisting),
        rating,
        merged_into,
        requests,
        earlier,
    )


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
_RARELY_MOVED = {
    name: name
    for name in (
        *("rejects", "reopened_void", "closed_at", "closed_as", "reopen_until"),
        *("returns", "assisting", "rating", "merged_into"),
    )
}
_FIXED = {
    "number": "number",
    "kind": "kind",
    "grid_code": "grid_code",
    "category": "category",
    "urgency": "urgency",
    "reporter": "reporter",
    "reported_at": "reported_at",
}
_REQUESTED = tuple(name for name in Request._fields if name not in ("asked_by", "decided_by"))


def new_incidents(incidents: Sequence[Incident]) -> ColumnPage:
    """Every column of new rows of `incident`."""
    return {
        **page_of({**_FIXED, **_MOVED, **_RARELY_MOVED}, incidents),
        **_asked(incidents),
        "district": [each.grid_code[:DISTRICT_DIGITS] for each in incidents],
        "policy_code": [each.policy[0] for each in incidents],
        "policy_version": [each.policy[1] for each in incidents],
    }


def moved_incidents(decisions: Sequence[Decision]) -> ColumnPage:
    """The keys and the columns that these decisions change. A page in which nothing rare moves does not write it."""
    after = [each.after for each in decisions]
    rare = any(_rarely(each.before) != _rarely(each.after) for each in decisions)
    return {**page_of({**_MOVED, **_RARELY_MOVED}, after), **_asked(after)} if rare else page_of(_MOVED, after)


_rarely = attrgetter(*_RARELY_MOVED, "requests")


def _asked(incidents: Sequence[Incident]) -> ColumnPage:
    return {"requests": [len(each.requests) for each in incidents]}


def asked_requests(decisions: Sequence[Decision]) -> ColumnPage:
    """Whole rows of `request`: those that these decisions opened, decided or resumed."""
    found = [(each.after, each.request) for each in decisions if each.request]
    return {
        "incident_id": [incident.id for incident, _ in found],
        "district": [incident.grid_code[:DISTRICT_DIGITS] for incident, _ in found],
        **page_of({name: name for name in _REQUESTED}, [request for _, request in found]),
        "asked_by": [request.asked_by.as_dict() for _, request in found],
        "decided_by": [request.decided_by.as_dict() if request.decided_by else None for _, request in found],
    }


def request_of(row: Row[Any]) -> Request:
    """A request from a row of `request`."""
    return Request(
        row.n,
        RequestKind(row.kind),
        row.call,
        row.until,
        row.reason,
        By(**row.asked_by),
        row.asked_at,
        By(**row.decided_by) if row.decided_by else None,
        row.decided_at,
        row.decided_reason,
        Verdict(row.outcome) if row.outcome else None,
        _DUEKIND[row.box],
        row.resumed_at,
        row.granted,
    )


def incident_columns(incident: Incident) -> dict[str, Any]:
    """One incident as its row of `incident`, for a view of what was just committed."""
    return {name: values[0] for name, values in new_incidents([incident]).items()}
