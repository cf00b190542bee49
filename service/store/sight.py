"""The rule of sight as conditions on rows: the one translation of `rules/sight.py` to SQL.

Each function takes the columns that it compares, so this module does not import the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from service.rules.sight import (
    IN_CONFIDENCE,
    Everywhere,
    Heard,
    Member,
    NoIncident,
    OfWorkers,
    OwnOnly,
    Sight,
    SightCase,
    Within,
)
from service.rules.words import CALL_OPEN_STATES
from service.rules.workers import prefix_of
from service.store.ranges import holds, overlaps, within

_Column = ColumnElement[Any]
_CALL_IS_OPEN = sorted(CALL_OPEN_STATES)


SEEN_BY = ("grid_code", "audience", "reporter", "unit", "state", "category", "confidential")
"""The columns of `incident` and `report` that say who sees an incident."""

OF_A_WORKER, EMPLOYER = "strpos(reporter, '/') > 0", "split_part(reporter, '/', 1)"
"""Of `report`, as its index for the workers of a vendor has it: what a key reported for a worker, and whose key."""


def seen_incidents(sight: Sight, columns: Mapping[str, _Column]) -> ColumnElement[bool]:
    """Return the condition on incidents that a sight grants. `columns` has those of `SEEN_BY`."""

    def granted(case: SightCase) -> ColumnElement[bool]:
        match case:
            case Everywhere():
                return true()
            case Within(area, confidential):
                return and_(within(columns["grid_code"], area), _unless(confidential, columns["confidential"]))
            case Heard(tokens, confidential):
                return and_(overlaps(columns["audience"], tokens), _unless(confidential, columns["confidential"]))
            case OwnOnly(subject):
                return columns["reporter"] == subject
            case OfWorkers(subject):
                return columns["reporter"].startswith(prefix_of(subject), autoescape=True)
            case Member(unit, categories):
                own = [columns["category"].startswith(each, autoescape=True) for each in categories]
                is_open = and_(columns["unit"] == unit, columns["state"].in_(_CALL_IS_OPEN))
                return and_(is_open, ~columns["confidential"], or_(false(), *own))
            case NoIncident():
                return false()

    return or_(false(), *(granted(case) for case in sight))


def _unless(all_of_them: bool, hidden: ColumnElement[bool]) -> ColumnElement[bool]:
    return true() if all_of_them else ~hidden


def seen_events(sight: Sight, *, incident_id: _Column, area: _Column, audience: _Column) -> ColumnElement[bool]:
    """Return the condition on events that a sight grants. Those without an incident need a case that grants them."""
    in_confidence = holds(audience, IN_CONFIDENCE)

    def granted(case: SightCase) -> ColumnElement[bool]:
        match case:
            case Everywhere():
                return true()
            case Within(prefix, confidential):
                return and_(incident_id.is_not(None), within(area, prefix), _unless(confidential, in_confidence))
            case Heard(tokens, confidential):
                return and_(incident_id.is_not(None), overlaps(audience, tokens), _unless(confidential, in_confidence))
            case NoIncident():
                return incident_id.is_(None)
            case OwnOnly() | OfWorkers() | Member():
                return false()

    return or_(false(), *(granted(case) for case in sight))


def seen_calls(sight: Sight, *, unit: _Column, grid_code: _Column) -> ColumnElement[bool]:
    """Return the condition on the calls that a sight grants in figures."""

    def granted(case: SightCase) -> ColumnElement[bool]:
        match case:
            case Everywhere():
                return true()
            case Within(area):
                return within(grid_code, area)
            case Heard(tokens):
                return unit.in_(tokens)
            case OwnOnly() | OfWorkers() | Member() | NoIncident():
                return false()

    return or_(false(), *(granted(case) for case in sight))
