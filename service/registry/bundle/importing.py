"""Importing a bundle: every fault at once, or the whole of it, in one transaction."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from service.registry.bundle import changes, checks, duty_conflicts
from service.registry.bundle.changes import Change, Plan
from service.registry.bundle.checks import StoredCodes
from service.registry.bundle.parse import Bundle, Fault, parse
from service.registry.bundle.rows import Row
from service.rules.model import By
from service.rules.words import LEVEL_OF_KIND, EventType, UnitKind
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.log import writing
from service.store.log.writing import Committed, Entry
from service.store.registry import calendars, policies
from service.store.registry import rows as rows_
from service.store.registry import world as world_
from service.store.registry.calendars import Day
from service.times import calendar_changes, day_sources
from service.times.day_sources import OFFICIAL
from service.times.policy_checks import faults_in_world, timer_of
from service.times.policy_file import PolicyFile

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do. `policy`: the version that becomes active, if one does."""

    dry_run: bool
    changes: Mapping[str, Change] = field(default_factory=dict)
    policy: tuple[str, int] | None = None
    affected: int = 0
    days: int = 0
    faults: Sequence[Fault] = ()
    committed: Committed | None = None

    @property
    def changes_anything(self) -> bool:
        return self.policy is not None or self.days > 0 or any(each.codes for each in self.changes.values())

    def as_dict(self) -> dict[str, Any]:
        """As the API answers."""
        rows = {
            name: {
                "added": len(each.added),
                "changed": len(each.changed),
                "closed": len(each.closed),
                "unchanged": each.unchanged,
                "first": each.codes[:_SHOWN],
            }
            for name, each in self.changes.items()
        }
        policy = {"code": self.policy[0], "version": self.policy[1]} if self.policy else None
        return {
            "dry_run": self.dry_run,
            "changes": rows,
            "policy_activated": policy,
            "calendar_days": self.days,
            "open_incidents": self.affected,
        }

    def lines(self) -> list[str]:
        """As the command line prints it."""
        if self.faults:
            return [*map(str, self.faults), f"{len(self.faults)} faults; nothing was imported."]
        told = [
            f"{name}: {len(each.added)} added, {len(each.changed)} changed, {each.unchanged} unchanged"
            + (f", {len(each.closed)} closed" if each.closed else "")
            for name, each in self.changes.items()
        ]
        if self.days:
            told.append(f"calendar: {self.days} days added or changed")
        if self.policy:
            told.append(f"policy {self.policy[0]} version {self.policy[1]} becomes active")
        if self.affected:
            told.append(f"{self.affected} open incidents are with units that change")
        return [*told, "Dry run: nothing was written." if self.dry_run else "Imported."]


async def import_bundle(
    database: Database, files: Mapping[str, bytes], now: datetime, by: By, *, dry_run: bool
) -> ImportReport:
    """Import `files` (name → content). The same bundle twice changes nothing, and says so.

    Raises:
        Unavailable: the database is away; nothing was written.
    """
    bundle = await asyncio.to_thread(parse, files)  # 16 MiB take seconds, and deadlines do not wait
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        plans = {name: await _plan(tx, bundle, name, now) for name in rows_.DATED}
        days = await _days(tx, bundle, world)
        wrong = await _policy_faults(tx, bundle, world, days, now)
        faults = sorted(_faults(bundle, world, plans) | wrong)
        if faults:
            return ImportReport(dry_run, faults=faults)
        report = await _settle(tx, bundle, world, plans, days, now, by, dry_run)
        if dry_run or not report.changes_anything:
            return report
        await world_.rise(tx)
        committed = await writing.append(tx, _told(report, world, bundle, now, by), reload=("world",))
    return replace(report, committed=committed)


async def _plan(tx: Transaction, bundle: Bundle, name: str, now: datetime) -> Plan:
    rows = [(number, _stored(row)) for number, row in getattr(bundle, name)]
    held = await rows_.newest(tx, name) if rows or (name == "cells" and bundle.shapes) else {}
    if name == "cells":
        rows = _with_shapes(rows, bundle, held)
    file = bundle.cells_file if name == "cells" else f"{name}.csv"
    return changes.plan(file, rows, held, now, past_is_settled=name == "duties" and bool(held))


def _with_shapes(
    rows: Sequence[tuple[int, dict[str, Any]]], bundle: Bundle, held: Mapping[str, Mapping[Any, Any]]
) -> list[tuple[int, dict[str, Any]]]:
    """Cells with their shapes; a cell that comes without one keeps what it has, a shape may come alone."""
    named = {row["code"] for _, row in rows}
    dates = {"valid_from": None, "valid_to": None}
    alone = [
        (number, {name: held[code][name] for name in ("code", "name", "community")} | dates)
        for code, (number, _) in bundle.shapes.items()
        if code not in named and code in held
    ]
    found = []
    for number, row in [*rows, *alone]:
        code = row["code"]
        rings = bundle.shapes[code][1] if code in bundle.shapes else None
        shape = [[list(point) for point in ring] for ring in rings] if rings else None
        found.append((number, {**row, "shape": shape or (held[code]["shape"] if code in held else None)}))
    return found


def _faults(bundle: Bundle, world: World, plans: Mapping[str, Plan]) -> set[Fault]:
    found = {*bundle.faults, *checks.check(bundle, _known(world))}
    told = {(fault.file, fault.row) for fault in found}
    late = [fault for plan in plans.values() for fault in plan.faults]
    late += duty_conflicts.in_bundle(bundle, plans["duties"], world)
    return found | {fault for fault in late if (fault.file, fault.row) not in told}  # one sentence a row is enough


def _known(world: World) -> StoredCodes:
    kinds = {code: rows[-1].kind for code, rows in world.units.items()}
    return StoredCodes(kinds, frozenset(world.categories), frozenset(world.lines), frozenset(world.cells))


async def _settle(
    tx: Transaction,
    bundle: Bundle,
    world: World,
    plans: Mapping[str, Plan],
    days: Mapping[str, list[Day]],
    now: datetime,
    by: By,
    dry_run: bool,
) -> ImportReport:
    told = {"lines": await _lines(tx, bundle, dry_run), **{name: plan.change for name, plan in plans.items()}}
    if not dry_run:
        for name, plan in plans.items():
            await rows_.change_rows(tx, name, plan.ended)
            await rows_.change_rows(tx, name, plan.corrected)
            await rows_.add_rows(tx, name, plan.added)
    told_days = 0
    for calendar, wanted in days.items():
        held = {each.day: each for each in await calendars.between(tx, calendar, wanted[0].day, wanted[-1].day)}
        told_days += sum(held.get(each.day) != each for each in wanted)
        if not dry_run:
            await calendar_changes.write_days(tx, world, calendar, wanted, now, by, area=_area(world, bundle))
    policy = await _policy(tx, bundle.policy, world, now, by, dry_run)
    touched = [*told["units"].changed, *told["units"].closed]
    affected = await rows_.open_incidents_of(tx, touched) if touched else 0
    return ImportReport(dry_run, told, policy, affected, days=told_days)


async def _lines(tx: Transaction, bundle: Bundle, dry_run: bool) -> Change:
    held = await rows_.line_names(tx)
    wanted = {row.code: row.name for _, row in bundle.lines}
    new = {code: name for code, name in wanted.items() if code not in held}
    renamed = {code: name for code, name in wanted.items() if held.get(code, name) != name}
    if not dry_run:
        await rows_.set_lines(tx, new, renamed)
    return Change(list(new), list(renamed), unchanged=len(wanted) - len(new) - len(renamed))


def _stored(row: Row) -> dict[str, Any]:
    """A bundle's row as the columns of its table."""
    values = {"valid_from": None, "valid_to": None, **row.model_dump()}
    for name in ("covers", "in_charge_of", "assisting"):
        if name in values:
            values[name] = list(values[name])
    if "kind" in values:
        values["level"] = LEVEL_OF_KIND.get(UnitKind(values["kind"]))
    return values


async def _days(tx: Transaction, bundle: Bundle, world: World) -> dict[str, list[Day]]:
    """The calendar days this bundle brings, by calendar; beneath them the published holidays when its policy is the
    first to need them."""
    found: dict[str, dict[date, Day]] = defaultdict(dict)
    if bundle.policy and bundle.policy.calendar == OFFICIAL:
        found[OFFICIAL] = {each.day: each for each in await day_sources.official_to_add(tx)}
    for _, row in bundle.calendar:
        found[row.code][row.day] = Day(row.day, row.workday, "calendar.csv", row.note)
    return {code: sorted(days.values()) for code, days in found.items() if days}


async def _known_days(tx: Transaction, days: Mapping[str, list[Day]], calendar: str) -> dict[date, bool]:
    """The days of a calendar as they will be."""
    held = (await calendars.days(tx)).get(calendar, {})
    return {**held, **{each.day: each.workday for each in days.get(calendar, ())}}


async def _policy_faults(
    tx: Transaction, bundle: Bundle, world: World, days: Mapping[str, list[Day]], now: datetime
) -> set[Fault]:
    found: set[Fault] = set()
    for calendar, brought in days.items():
        wrong = await calendar_changes.faults_of(tx, world, calendar, brought, now)
        found |= {Fault("calendar.csv", 0, detail) for detail in wrong}
    wanted = bundle.policy
    if wanted is None:
        return found
    known = await _known_days(tx, days, wanted.calendar) if wanted.calendar else {}
    timer = timer_of(wanted, known)
    categories = {*world.categories, *(row.code for _, row in bundle.categories)}
    return found | {
        Fault("policy.yaml", 0, detail) for detail in faults_in_world(wanted.policy(0), categories, timer, now)
    }


async def _policy(
    tx: Transaction, wanted: PolicyFile | None, world: World, now: datetime, by: By, dry_run: bool
) -> tuple[str, int] | None:
    """A policy that says something else becomes the next version; incidents keep the one they were reported under."""
    if wanted is None:
        return None
    active = world.active(now)
    if active is not None and active == wanted.policy(active.version):
        return None
    version = 1 + max((number for code, number in world.policies if code == wanted.code), default=0)
    if not dry_run:
        await policies.add(tx, wanted.policy(version), now, by)
        await policies.activate(tx, wanted.code, version, now, now, by)
    return wanted.code, version


def _area(world: World, bundle: Bundle) -> str:
    return world.district or next(row.code for _, row in bundle.units if row.kind is UnitKind.DISTRICT)


def _told(report: ImportReport, world: World, bundle: Bundle, now: datetime, by: By) -> list[Entry]:
    area = _area(world, bundle)
    data = {**report.as_dict(), "by": by.as_dict()}
    told = [Entry(EventType.REGISTRY_IMPORTED, now, area, (), data)]
    if report.policy:
        code, version = report.policy
        data = {"policy": {"code": code, "version": version}, "at": now.isoformat(), "by": by.as_dict()}
        told.append(Entry(EventType.POLICY_ACTIVATED, now, area, (), data))
    return told
