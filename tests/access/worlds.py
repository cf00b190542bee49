"""A small district for this room's tests: one street, one closed department, and one to come."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from service.rules import world as worlds
from service.rules.words import Level, UnitKind
from service.rules.world import Unit, Validity, World

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
DISTRICT, STREET, CLOSED, LATER = "440402", "440402001", "D-closed", "D-later"
BEFORE = NOW - timedelta(days=365)


def world(*, district: str = DISTRICT) -> World:
    units = [
        Unit(STREET, "First street", UnitKind.STREET, Level.STREET, Validity(BEFORE)),
        Unit(CLOSED, "A closed department", UnitKind.DEPARTMENT, Level.DEPARTMENT, Validity(BEFORE, NOW)),
        Unit(LATER, "One to come", UnitKind.DEPARTMENT, Level.DEPARTMENT, Validity(NOW + timedelta(hours=1))),
    ]
    if district:
        units.append(Unit(district, "The district", UnitKind.DISTRICT, Level.LEADER, Validity(BEFORE)))
    return worlds.build(1, units=units)
