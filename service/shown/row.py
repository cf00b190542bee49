"""One row of a list, a queue or a batch: the incident of contract §3 without its calls and requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from typing_extensions import TypedDict

from service.rules import ratings
from service.rules.sight import Viewer, reads_all
from service.rules.words import COMMUNITY_DIGITS, STREET_DIGITS, ClosedAs, DueKind, Kind, Level, State, Urgency
from service.shown.aspect import Aspect, aspect_of_row
from service.shown.references import PolicyReference, UnitName, unit_name

_MAX_AHEAD = timedelta(minutes=5)
_MAX_BEFORE = timedelta(days=30)
"""How far after its report, and how far before it, a matter may have happened before the phone's clock looks wrong."""


class LocationView(TypedDict):
    """A point as the reporter sent it."""

    lat: float
    lon: float
    coord_type: str
    accuracy_m: float | None


class SourceView(TypedDict):
    """The system that an incident came from, and the reference that the incident has there."""

    system: str
    ref: str


class SeenReport(TypedDict):
    """What of a report depends on who looks: the point is null for those who see the cell instead, the source where the
    sight is not full, and the reporter is a pseudonym, the same one throughout this incident; for partners it is
    null. `erased_at`: when the texts of the incident were erased; then they are null."""

    reporter: str | None
    description: str | None
    erased_at: datetime | None
    location: LocationView | None
    location_mismatch: bool
    source: SourceView | None


class IncidentRow(SeenReport):
    """An incident without its contact, calls and requests. What is `confidential` no partner sees, and no reporter but
    its own."""

    id: UUID
    number: str
    kind: Kind
    state: State
    level: Level
    level_name: str
    unit: UnitName
    grid_code: str
    community: str
    street: str
    category: str
    line: str
    urgency: Urgency
    occurred_at: datetime | None
    reported_at: datetime
    updated_at: datetime
    due_at: datetime | None
    due_kind: DueKind | None
    overdue: bool
    provisional: bool
    policy: PolicyReference
    version: int
    closed_at: datetime | None
    closed_as: ClosedAs | None
    reopen_until: datetime | None
    merged_into: UUID | None
    rating: float | None
    returns: int
    time_mismatch: bool
    urgency_asked: Urgency | None
    drawn: bool | None
    confidential: bool


def row(viewer: Viewer, stored: Mapping[Any, Any]) -> IncidentRow:
    """The view of one row. `stored` joins `incident` and `report`, and says how the viewer's unit stands to the
    incident (`loading.shown`); `overdue` is as of the viewer's moment."""
    return row_of(aspect_of_row(viewer, stored), stored)


def row_of(aspect: Aspect, stored: Mapping[Any, Any]) -> IncidentRow:
    """The view of one row of an incident whose aspect is known."""
    viewer = aspect.viewer
    due_at, grid_code = stored["due_at"], stored["grid_code"]
    return {
        "id": stored["id"],
        "number": stored["number"],
        "kind": stored["kind"],
        "state": stored["state"],
        "level": stored["level"],
        "level_name": Level(stored["level"]).name.lower(),
        "unit": unit_name(viewer, stored["unit"]),
        "grid_code": grid_code,
        "community": grid_code[:COMMUNITY_DIGITS],
        "street": grid_code[:STREET_DIGITS],
        "category": stored["category"],
        "line": stored["line"],
        "urgency": stored["urgency"],
        **_report(aspect, stored),
        "occurred_at": stored["occurred_at"],
        "reported_at": stored["reported_at"],
        "updated_at": stored["updated_at"],
        "due_at": due_at,
        "due_kind": stored["due_kind"],
        "overdue": due_at is not None and due_at < viewer.now,
        "provisional": stored["provisional"],
        "policy": {"code": stored["policy_code"], "version": stored["policy_version"]},
        "version": stored["version"],
        "closed_at": stored["closed_at"],
        "closed_as": stored["closed_as"],
        "reopen_until": stored["reopen_until"],
        "merged_into": stored["merged_into"],
        "rating": ratings.stars(stored["rating"], stored["rating_mean"]),
        "returns": stored["returns"],
        "time_mismatch": _is_mismatch(stored["occurred_at"], stored["reported_at"]),
        "urgency_asked": stored["urgency_asked"],
        "drawn": _drawn(viewer, stored),
        "confidential": stored["confidential"],
    }


def _report(aspect: Aspect, stored: Mapping[Any, Any]) -> SeenReport:
    return {
        "reporter": aspect.name_of(stored["reporter"]),
        "description": aspect.words(stored["description"]),
        "erased_at": stored["erased_at"],
        "location": stored["location"] if aspect.has_point else None,
        "location_mismatch": stored["location_mismatch"],
        "source": _source(aspect, stored["source_system"], stored["source_ref"]),
    }


def _source(aspect: Aspect, system: str | None, ref: str) -> SourceView | None:
    return None if system is None or not aspect.is_full else {"system": system, "ref": ref}


def _drawn(viewer: Viewer, stored: Mapping[Any, Any]) -> bool | None:
    """Whether it was drawn for a spot check when it closed is for ops and auditors to know: a unit that knew would put
    right what was drawn, and nothing else."""
    return None if stored["state"] == State.CLOSED and not reads_all(viewer.actor) else stored["drawn"]


def _is_mismatch(occurred_at: datetime | None, reported_at: datetime) -> bool:
    """Whether a report says of itself that it happened later than it was sent, or very long before."""
    if occurred_at is None:
        return False
    return occurred_at > reported_at + _MAX_AHEAD or occurred_at < reported_at - _MAX_BEFORE
