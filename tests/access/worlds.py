"""A small district for this room's tests: one street, one closed department."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from service.rules.model import Level, Unit, UnitKind, Validity, World

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DISTRICT, STREET, CLOSED = "440402", "440402001", "D-closed"
BEFORE = NOW - timedelta(days=365)


def world(*, district: str = DISTRICT) -> World:
    units = (
        Unit(STREET, "First street", UnitKind.STREET, Level.STREET, Validity(BEFORE)),
        Unit(CLOSED, "A closed department", UnitKind.DEPARTMENT, Level.DEPARTMENT, Validity(BEFORE, NOW)),
    )
    return World(
        version=1,
        district=district,
        units={unit.code: unit for unit in units},
        cells={},
        categories={},
        lines={},
        duties=(),
        policies={},
        active_policy=None,
    )
