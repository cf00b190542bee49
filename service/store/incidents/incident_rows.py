"""The rows of `incident` and `request` become types of the rules, and these become rows. No rule is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Row

from service.rules.decisions import AnyDecision
from service.rules.model import AnyIncident, By, Call, IncidentOf, Request
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
_EarlierCalls = TypeVar("_EarlierCalls", bound=tuple[Call, ...] | None)


def _or_none(words: type[_Word]) -> dict[str | None, _Word | None]:
    return {None: None, **{each.value: each for each in words}}


# a look-up in a dictionary is four times as fast as calling the enum class, and a sweep makes ten for each row
_KIND = {each.value: each for each in Kind}
_STATE = {each.value: each for each in State}
_LEVEL = {each.value: each for each in Level}
_URGENCY = {each.value: each for each in Urgency}
_DUEKIND = _or_none(DueKind)
_CLOSEDAS = _or_none(ClosedAs)

_BEFORE_POLICY = ("id", "number", "kind", "state", "level", "unit", "grid_code", "category", "urgency", "reporter")
_POLICY = ("policy_code", "policy_version")
_BEFORE_CALL = ("reported_at", "updated_at", "due_at", "due_kind", "wake_at")
_AFTER_CALL = (
    *("version", "sequence", "calls_at", "rejects", "reopened_void", "audience"),
    *("closed_at", "closed_as", "reopen_until", "warned", "provisional"),
    *("returns", "assisting", "rating", "merged_into", "reporter_unit", "rating_mean", "drawn", "confidential"),
)
_NAMES = (*_BEFORE_POLICY, *_POLICY, *_BEFORE_CALL, *_AFTER_CALL)
INCIDENT_COLUMNS: tuple[ColumnElement[Any], ...] = tuple(incident_table.c[name] for name in _NAMES)
"""The columns that `incident_of` takes, in the order of the fields of `IncidentOf`. They are read by position: a
look-up by name costs ten times as much, and a sweep would make thirty-five for each row."""

_WORDS: tuple[tuple[int, Mapping[Any, Any]], ...] = (
    (_NAMES.index("kind"), _KIND),
    (_NAMES.index("state"), _STATE),
    (_NAMES.index("level"), _LEVEL),
    (_NAMES.index("urgency"), _URGENCY),
    (_NAMES.index("due_kind"), _DUEKIND),
    (_NAMES.index("closed_as"), _CLOSEDAS),
)
_ARRAYS = tuple(_NAMES.index(name) for name in ("calls_at", "audience", "assisting"))
_POLICY_AT = len(_BEFORE_POLICY)
_DATES_AT = _POLICY_AT + len(_POLICY)
_CALL_AT = _DATES_AT + len(_BEFORE_CALL)


def incident_of(
    values: Sequence[Any], last_call: Call, earlier: _EarlierCalls, requests: tuple[Request, ...] = ()
) -> IncidentOf[_EarlierCalls]:
    """Return an incident from the values of `INCIDENT_COLUMNS`. `last_call` is its call number `seq`, `earlier` holds
    the calls before (None where they are not loaded), and `requests` holds all requests."""
    row = list(values)
    for place, words in _WORDS:
        row[place] = words[row[place]]
    for place in _ARRAYS:
        row[place] = tuple(row[place])
    row[_CALL_AT:_CALL_AT] = last_call, earlier
    row[_POLICY_AT:_DATES_AT] = (tuple(row[_POLICY_AT:_DATES_AT]),)
    row.append(requests)
    return IncidentOf._make(row)


_OFTEN_CHANGED = {
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
    "calls_at": "calls_per_level",
    "audience": "audience",
    "warned": "warned",
    "provisional": "provisional",
}
"""The attribute for each column of the key and of what nearly every decision changes."""
_SELDOM_CHANGED = {
    name: name
    for name in (
        *("rejects", "reopened_void", "closed_at", "closed_as", "reopen_until"),
        *("returns", "assisting", "rating", "rating_mean", "merged_into", "drawn"),
        *("kind", "grid_code", "category", "urgency"),
    )
}
_FIXED = {
    "number": "number",
    "reporter": "reporter",
    "reporter_unit": "reporter_unit",
    "reported_at": "reported_at",
    "confidential": "confidential",
}
_PLAIN = {**_FIXED, **_OFTEN_CHANGED, **_SELDOM_CHANGED}
_plain_values = attrgetter(*_PLAIN.values())
_REQUEST_COLUMNS = tuple(name for name in Request._fields if name not in ("asked_by", "decided_by"))


def new_incidents(incidents: Sequence[AnyIncident]) -> ColumnPage:
    """Return new rows of `incident`, with every column."""
    return {
        **page_of(_PLAIN, incidents),
        **_request_counts(incidents),
        "district": [each.grid_code[:DISTRICT_DIGITS] for each in incidents],
        "policy_code": [each.policy[0] for each in incidents],
        "policy_version": [each.policy[1] for each in incidents],
    }


def changed_incidents(decisions: Sequence[AnyDecision]) -> ColumnPage:
    """Return the keys and the columns that these decisions change. A column that seldom changes is written only if it
    changes in at least one row of the page."""
    after = [each.after for each in decisions]
    seldom = any(_seldom(each.before) != _seldom(each.after) for each in decisions)
    return (
        {**page_of({**_OFTEN_CHANGED, **_SELDOM_CHANGED}, after), **_request_counts(after)}
        if seldom
        else page_of(_OFTEN_CHANGED, after)
    )


_seldom = attrgetter(*_SELDOM_CHANGED, "requests")


def _request_counts(incidents: Sequence[AnyIncident]) -> ColumnPage:
    return {"requests": [len(each.requests) for each in incidents]}


def changed_requests(decisions: Sequence[AnyDecision]) -> ColumnPage:
    """Return whole rows of `request` for the requests that these decisions opened, decided or resumed."""
    found = [(each.after, request) for each in decisions if each.request for request in _requests_of(each)]
    return {
        "incident_id": [incident.id for incident, _ in found],
        "district": [incident.grid_code[:DISTRICT_DIGITS] for incident, _ in found],
        **page_of({name: name for name in _REQUEST_COLUMNS}, [request for _, request in found]),
        "asked_by": [request.asked_by.as_dict() for _, request in found],
        "decided_by": [request.decided_by.as_dict() if request.decided_by else None for _, request in found],
    }


def _requests_of(decision: AnyDecision) -> list[Request]:
    """Return the requests that are new or different: the one of the decision, and one that lapses beside it when a hold
    comes with the kind of the incident."""
    known = (*(decision.before.requests if decision.before else ()), decision.request)
    others = [each for each in decision.after.requests if each not in known]
    return [*others, decision.request] if decision.request else others


def request_of(row: Row[Any]) -> Request:
    """Return a request from a row of `request`."""
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
        row.approver,
    )


def incident_columns(incident: AnyIncident) -> dict[str, Any]:
    """Return one incident as its row of `incident`, for a view of what has just been committed."""
    columns = dict(zip(_PLAIN, _plain_values(incident), strict=True))
    columns["requests"] = len(incident.requests)
    columns["district"] = incident.grid_code[:DISTRICT_DIGITS]
    columns["policy_code"], columns["policy_version"] = incident.policy
    return columns
