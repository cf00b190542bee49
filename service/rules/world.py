"""The registry and the policies as the rules see them: an immutable snapshot, and look-ups by code and moment.

Rows are never deleted, so one code may have several rows, in force one after the other; nearly every code has one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Protocol, TypeVar

from service.rules.codes import CodeList
from service.rules.policy import Activation, Hours, Policy
from service.rules.timers import CONTINUOUS, Timer
from service.rules.words import ClockKind, Kind, Level, UnitKind, Urgency
from service.rules.worktime import WorkCalendar


@dataclass(frozen=True, slots=True)
class Validity:
    """The half-open time in which a row is in force: from `valid_from` on, and no longer at `valid_to`."""

    valid_from: datetime
    valid_to: datetime | None = None

    def in_force_at(self, moment: datetime) -> bool:
        return self.valid_from <= moment and (self.valid_to is None or moment < self.valid_to)


@dataclass(frozen=True, slots=True)
class Unit:
    code: str
    name: str
    kind: UnitKind
    level: Level | None
    validity: Validity
    parent: str | None = None
    line_parent: str | None = None
    covers: tuple[str, ...] = ()
    in_charge_of: tuple[str, ...] = ()
    answers_for: tuple[str, ...] = ()


Rings = tuple[tuple[tuple[float, float], ...], ...]
"""The outline of a place: closed rings of (longitude, latitude), degrees WGS-84; by the even-odd rule also holes."""


@dataclass(frozen=True, slots=True)
class Cell:
    code: str
    name: str
    community: str
    validity: Validity
    shape: Rings | None = None


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    name: str
    line: str
    urgency: Urgency
    validity: Validity
    parent: str | None = None
    urgencies: tuple[Urgency, ...] = ()  # those that a report may ask for, and its kinds: empty for all of them
    kinds: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Duty:
    """One item of the power-and-responsibility list: it names the unit responsible for a category in an area."""

    code: str
    title: str
    category: str
    area: str
    lead_unit: str
    validity: Validity
    assisting: tuple[str, ...] = ()
    basis: str = ""


class _Dated(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def validity(self) -> Validity: ...


_Row = TypeVar("_Row", bound=_Dated)


@dataclass(frozen=True, slots=True)
class World:
    """The snapshot that the rules decide by in one transaction, replaced whole when `version` rises. Mappings hold
    every row of a code, oldest first."""

    version: int
    district: str
    units: Mapping[str, tuple[Unit, ...]]
    cells: Mapping[str, tuple[Cell, ...]]
    categories: Mapping[str, tuple[Category, ...]]
    lines: Mapping[str, Line]
    duties: Mapping[str, tuple[Duty, ...]]
    policies: Mapping[tuple[str, int], Policy]
    activations: tuple[Activation, ...]
    calendars: Mapping[Hours, WorkCalendar]
    timers: Mapping[tuple[str, int], Timer]
    duties_by_category: Mapping[str, tuple[Duty, ...]]
    leaders_by_unit: Mapping[str, tuple[Unit, ...]]
    districts: tuple[Unit, ...]
    place_codes: CodeList
    category_codes: CodeList

    def unit(self, code: str, at: datetime) -> Unit | None:
        """The unit in force under this code at `at`."""
        return _at(self.units.get(code, ()), at)

    def cell(self, code: str, at: datetime) -> Cell | None:
        return _at(self.cells.get(code, ()), at)

    def category(self, code: str, at: datetime) -> Category | None:
        return _at(self.categories.get(code, ()), at)

    def unit_name(self, code: str) -> str:
        """The newest name of a code, in force or not; the code itself when it was never known."""
        rows = self.units.get(code)
        return rows[-1].name if rows else code

    def duty(self, code: str, at: datetime) -> Duty | None:
        """The duty in force under this code at `at`."""
        return _at(self.duties.get(code, ()), at)

    def duty_for(self, category: str, grid_code: str, at: datetime) -> Duty | None:
        """The duty that covers a category in a cell: the longest category prefix, then the longest area, then the first
        code."""
        for length in range(len(category), 0, -1):
            for duty in self.duties_by_category.get(category[:length], ()):
                if grid_code.startswith(duty.area) and duty.validity.in_force_at(at):
                    return duty
        return None

    def admitted(self, category: str, grid_code: str, street: str, at: datetime) -> Duty | None:
        """The most specific duty by which a category was admitted for a street (权责事项准入): the street, or a unit of
        it, leads or assists. None when nobody admitted the category."""
        for length in range(len(category), 0, -1):
            for duty in self.duties_by_category.get(category[:length], ()):
                units = (duty.lead_unit, *duty.assisting)
                in_force = grid_code.startswith(duty.area) and duty.validity.in_force_at(at)
                if in_force and any(self._is_of(unit, street, at) for unit in units):
                    return duty
        return None

    def _is_of(self, code: str, street: str, at: datetime) -> bool:
        unit = self.unit(code, at)
        return unit is not None and (code.startswith(street) or (unit.parent or "").startswith(street))

    def leader_of(self, unit: str, at: datetime) -> Unit | None:
        """The leader post in charge of a unit; of several, the first by code."""
        return _at(self.leaders_by_unit.get(unit, ()), at)

    def fallback(self, at: datetime) -> Unit:
        """The district's fallback unit, which is called when no other unit is found.

        Raises:
            LookupError: no registry was imported; the import refuses a bundle without such a unit.
        """
        found = _at(self.districts, at)
        if found is None:
            raise LookupError("the registry has no district unit in force")
        return found

    def policy(self, key: tuple[str, int]) -> Policy:
        """The policy of this (code, version), such as the one an incident is pinned to."""
        return self.policies[key]

    def active(self, at: datetime) -> Policy | None:
        """The policy that incidents are reported under at `at`; None before the first one."""
        for activation in reversed(self.activations):
            if activation.at <= at:
                return self.policy((activation.code, activation.version))
        return None

    def reigns(self, policy: tuple[str, int]) -> list[tuple[datetime, datetime | None]]:
        """The half-open times in which incidents are reported under a version, in order; the last may have no end."""
        found: list[tuple[datetime, datetime | None]] = []
        for each, after in zip_longest(self.activations, self.activations[1:]):
            end = after.at if after else None
            if (each.code, each.version) != policy or each.at == end:
                continue
            if found and found[-1][1] == each.at:  # activated anew while it was in force
                found[-1] = found[-1][0], end
            else:
                found.append((each.at, end))
        return found

    def timer(self, policy: tuple[str, int], clock: ClockKind) -> Timer:
        """The timer that counts a call's time under this policy."""
        return CONTINUOUS if clock is ClockKind.CONTINUOUS else self.timers[policy]


def build(
    version: int,
    *,
    units: Iterable[Unit] = (),
    cells: Iterable[Cell] = (),
    categories: Iterable[Category] = (),
    lines: Iterable[Line] = (),
    duties: Iterable[Duty] = (),
    policies: Iterable[Policy] = (),
    activations: Iterable[Activation] = (),
    calendars: Mapping[Hours, WorkCalendar] | None = None,
) -> World:
    """A world with its indexes. Rows may come in any order."""
    units, duties, policies, calendars = tuple(units), tuple(duties), tuple(policies), calendars or {}
    cells_by_code, categories_by_code = _by_code(cells), _by_code(categories)
    districts = tuple(sorted((u for u in units if u.kind is UnitKind.DISTRICT), key=_age))
    return World(
        version=version,
        district=districts[-1].code if districts else "",
        units=_by_code(units),
        cells=cells_by_code,
        categories=categories_by_code,
        lines={line.code: line for line in lines},
        duties=_by_code(duties),
        policies={(policy.code, policy.version): policy for policy in policies},
        activations=tuple(sorted(activations, key=lambda each: each.at)),
        calendars=calendars,
        timers={(each.code, each.version): timer for each in policies if (timer := _timer(each, calendars))},
        duties_by_category=_duties_by_category(duties),
        leaders_by_unit=_leaders_by_unit(units),
        districts=districts,
        place_codes=CodeList.of([*cells_by_code, *_places_of(units)]),
        category_codes=CodeList.of(categories_by_code),
    )


_PLACES = (UnitKind.COMMUNITY, UnitKind.STREET, UnitKind.DISTRICT)


def _places_of(units: Iterable[Unit]) -> Iterator[str]:
    """The codes of the places that units are for."""
    for unit in units:
        yield from unit.covers
        if unit.kind in _PLACES:
            yield unit.code


def _timer(policy: Policy, calendars: Mapping[Hours, WorkCalendar]) -> Timer | None:
    """The timer of a policy's working boxes; None when its calendar is missing, in which case nothing may use those
    boxes."""
    return CONTINUOUS if policy.hours is None else calendars.get(policy.hours)


def _at(rows: tuple[_Row, ...], at: datetime) -> _Row | None:
    for row in rows:
        if row.validity.in_force_at(at):
            return row
    return None


def _age(row: _Dated) -> tuple[str, datetime]:
    return row.code, row.validity.valid_from


def _by_code(rows: Iterable[_Row]) -> dict[str, tuple[_Row, ...]]:
    found: dict[str, list[_Row]] = defaultdict(list)
    for row in sorted(rows, key=_age):
        found[row.code].append(row)
    return {code: tuple(each) for code, each in found.items()}


def _duties_by_category(duties: Iterable[Duty]) -> dict[str, tuple[Duty, ...]]:
    """Category → its duties, the most specific area first, so that the first that fits is the right one."""
    found: dict[str, list[Duty]] = defaultdict(list)
    for duty in sorted(duties, key=lambda each: (-len(each.area), each.code, each.validity.valid_from)):
        found[duty.category].append(duty)
    return {category: tuple(each) for category, each in found.items()}


def _leaders_by_unit(units: Iterable[Unit]) -> dict[str, tuple[Unit, ...]]:
    found: dict[str, list[Unit]] = defaultdict(list)
    for leader in sorted((u for u in units if u.kind is UnitKind.LEADER), key=_age):
        for code in leader.in_charge_of:
            found[code].append(leader)
    return {code: tuple(each) for code, each in found.items()}
