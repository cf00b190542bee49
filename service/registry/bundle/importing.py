"""The import of a bundle: either every fault is reported, or the whole bundle is written in one transaction."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from service.registry.bundle import changes, checks, duty_conflicts, parse
from service.registry.bundle.changes import Columns, Plan, RowSummary
from service.registry.bundle.checks import StoredCodes
from service.registry.bundle.parse import Bundle, Fault
from service.registry.bundle.report import ImportReport, RegistryImportedData
from service.registry.bundle.rows import Row
from service.rules.model import By
from service.rules.sentences import Sentence
from service.rules.words import LEVEL_OF_KIND, EventType, UnitKind
from service.rules.world import World
from service.shown.changes import ChangedRow, between, named
from service.store.database import Database, Transaction
from service.store.log import writing
from service.store.log.writing import Entry
from service.store.registry import calendars, policies
from service.store.registry import rows as rows_
from service.store.registry import world as world_
from service.store.registry.calendars import Day
from service.times import calendar_changes, coverage, day_sources
from service.times.day_sources import OFFICIAL
from service.times.policies import activation
from service.times.policy_checks import faults_in_world


@dataclass(frozen=True, slots=True)
class _Import:
    """One import under way: its transaction, its bundle, the world before it, and who imports it when."""

    tx: Transaction
    bundle: Bundle
    world: World
    now: datetime
    by: By
    dry_run: bool

    @property
    def district(self) -> str:
        """The code of the district, which the bundle names if the world has none yet."""
        units = (row for _, row in self.bundle.units)
        return self.world.district or next(row.code for row in units if row.kind is UnitKind.DISTRICT)


async def import_bundle(
    database: Database, files: Mapping[str, bytes], now: datetime, by: By, *, dry_run: bool
) -> ImportReport:
    """Import `files` (name → content). With faults, nothing is written and the report names every one.

    A second import of one bundle changes nothing, and its report says so. A dry run writes nothing.

    Raises:
        Unavailable: the database cannot be reached; nothing was written.
    """
    # 16 MiB take seconds to parse, for which deadlines must not wait
    bundle = await asyncio.to_thread(parse.bundle_of, files)
    async with database.begin() as tx:
        await world_.lock(tx)
        job = _Import(tx, bundle, await world_.load(tx), now, by, dry_run)
        plans = {name: await _plan(job, name) for name in rows_.DATED}
        days = await _days(job)
        faults = sorted(_faults_of_rows(job, plans) | await _faults_of_times(job, days))
        if faults:
            return ImportReport(dry_run, faults=faults, warnings=bundle.notes)
        report = await _carry_out(job, plans, days)
        report = replace(report, warnings=[*bundle.notes, *await _gaps(job, days)])
        if dry_run or not report.changes_anything:
            return report
        await world_.rise(tx)
        committed = await writing.append(tx, _entries(job, report), reload=("world",))
    return replace(report, committed=committed)


async def _plan(job: _Import, name: str) -> Plan:
    """Return the plan for the rows of one file: units, cells, categories or duties."""
    bundle = job.bundle
    rows = [(number, _columns(row)) for number, row in getattr(bundle, name)]
    stored = await rows_.newest(job.tx, name) if rows or (name == "cells" and bundle.shapes) else {}
    if name == "cells":
        rows = _with_shapes(rows, bundle, stored)
    file = bundle.cells_file if name == "cells" else f"{name}.csv"
    return changes.plan_of(file, rows, stored, job.now, past_is_settled=name == "duties" and bool(stored))


def _columns(row: Row) -> dict[str, Any]:
    """Return a row of a bundle as the columns of its table."""
    values = {"valid_from": None, "valid_to": None, **row.model_dump()}
    for name in ("covers", "in_charge_of", "answers_for", "assisting"):
        if name in values:
            values[name] = list(values[name])
    for name in ("urgencies", "kinds"):
        if name in values:
            values[name] = list(dict.fromkeys(values[name]))
    if "kind" in values:
        values["level"] = LEVEL_OF_KIND.get(UnitKind(values["kind"]))
    return values


def _with_shapes(
    rows: Sequence[tuple[int, dict[str, Any]]], bundle: Bundle, stored: Mapping[str, Columns]
) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows of cells with their shapes.

    A cell without a shape in the bundle keeps its stored shape. A stored cell may be in cells.geojson alone.
    """
    codes = {row["code"] for _, row in rows}
    dates = {"valid_from": None, "valid_to": None}
    shape_only = [
        (number, {name: stored[code][name] for name in ("code", "name", "community")} | dates)
        for code, (number, _) in bundle.shapes.items()
        if code not in codes and code in stored
    ]
    found = []
    for number, row in [*rows, *shape_only]:
        code = row["code"]
        rings = bundle.shapes[code][1] if code in bundle.shapes else None
        shape = [[list(point) for point in ring] for ring in rings] if rings else None
        found.append((number, {**row, "shape": shape or (stored[code]["shape"] if code in stored else None)}))
    return found


async def _days(job: _Import) -> dict[str, list[Day]]:
    """Return the days to write, by calendar.

    The days are those of calendar.csv, and the published holidays if the policy of the bundle first needs them.
    """
    bundle = job.bundle
    found: dict[str, dict[date, Day]] = defaultdict(dict)
    if bundle.policy and bundle.policy.calendar == OFFICIAL:
        found[OFFICIAL] = {each.day: each for each in await day_sources.official_to_add(job.tx)}
    for _, row in bundle.calendar:
        found[row.code][row.day] = Day(row.day, row.workday, "calendar.csv", row.note)
    return {code: sorted(days.values()) for code, days in found.items() if days}


def _faults_of_rows(job: _Import, plans: Mapping[str, Plan]) -> set[Fault]:
    """Return the faults of all files but policy.yaml and calendar.csv.

    A row with a fault of its own has no second one from the plan or from conflicts of duties: one sentence is enough.
    """
    faults = {*job.bundle.faults, *checks.check(job.bundle, _stored_codes(job.world))}
    rows = {(fault.file, fault.row) for fault in faults}
    later = [fault for plan in plans.values() for fault in plan.faults]
    later += duty_conflicts.in_bundle(job.bundle, plans["duties"], job.world)
    return faults | {fault for fault in later if (fault.file, fault.row) not in rows}


def _stored_codes(world: World) -> StoredCodes:
    kinds = {code: rows[-1].kind for code, rows in world.units.items()}
    return StoredCodes(kinds, frozenset(world.categories), frozenset(world.lines), frozenset(world.cells))


async def _faults_of_times(job: _Import, days: Mapping[str, list[Day]]) -> set[Fault]:
    """Return the faults of calendar.csv and policy.yaml against the registry as it will be."""
    faults: set[Fault] = set()
    for calendar, new in days.items():
        details = await calendar_changes.faults_of(job.tx, job.world, calendar, new, job.now)
        faults |= {Fault("calendar.csv", 0, detail) for detail in details}
    policy = job.bundle.policy
    if policy is None:
        return faults
    workdays = await _workdays(job, days, policy.calendar) if policy.calendar else {}
    categories = {*job.world.categories, *(row.code for _, row in job.bundle.categories)}
    of_policy = faults_in_world(policy.policy(0), categories, workdays or None, job.now)
    return faults | {Fault("policy.yaml", 0, detail) for detail in of_policy}


async def _workdays(job: _Import, days: Mapping[str, list[Day]], calendar: str) -> dict[date, bool]:
    """Return which days of a calendar will be working days after the import."""
    stored = (await calendars.days(job.tx)).get(calendar, {})
    return {**stored, **{each.day: each.workday for each in days.get(calendar, ())}}


async def _gaps(job: _Import, days: Mapping[str, list[Day]]) -> list[Sentence]:
    """Return what the calendars will lack after the import, of the days that the policies need."""
    policies = coverage.in_force(job.world, job.now) if job.bundle.policy is None else [job.bundle.policy.policy(0)]
    names = {each.hours.calendar for each in policies if each.hours}
    known = {name: await _workdays(job, days, name) for name in names}
    return [gap.warning for gap in coverage.gaps(policies, lambda code, day: day in known[code], job.now)]


async def _carry_out(job: _Import, plans: Mapping[str, Plan], days: Mapping[str, list[Day]]) -> ImportReport:
    """Write what differs, unless it is a dry run, and report it."""
    of_lines, lines = await _write_lines(job)
    summaries = {"lines": of_lines, **{name: plan.summary for name, plan in plans.items()}}
    if not job.dry_run:
        for name, plan in plans.items():
            await rows_.change_rows(job.tx, name, plan.ended)
            await rows_.change_rows(job.tx, name, plan.corrected)
            await rows_.add_rows(job.tx, name, plan.added)
    days_changed = sum([await _write_days(job, calendar, wanted) for calendar, wanted in days.items()])
    policy = await _write_policy(job)
    units = [*summaries["units"].changed, *summaries["units"].closed]
    open_incidents = await rows_.open_incidents_of(job.tx, units) if units else 0
    rows = [*lines, *(row for plan in plans.values() for row in plan.differences)]
    return ImportReport(job.dry_run, summaries, policy, open_incidents, days=days_changed, rows=rows)


async def _write_lines(job: _Import) -> tuple[RowSummary, list[ChangedRow]]:
    """Write the names of lines of work, unless it is a dry run, and say which changed. A line has no validity dates."""
    stored = await rows_.line_names(job.tx)
    names = {row.code: row.name for _, row in job.bundle.lines}
    new = {code: name for code, name in names.items() if code not in stored}
    renamed = {code: name for code, name in names.items() if stored.get(code, name) != name}
    if not job.dry_run:
        await rows_.set_lines(job.tx, new, renamed)
    written: list[ChangedRow] = [
        {"of": "lines.csv", "row": code, "changes": between({"name": stored.get(code)}, {"name": name})}
        for code, name in {**new, **renamed}.items()
    ]
    return RowSummary(list(new), list(renamed), unchanged=len(names) - len(new) - len(renamed)), written


async def _write_days(job: _Import, calendar: str, days: Sequence[Day]) -> int:
    """Write the days of one calendar, unless it is a dry run. Return how many differ from the stored ones."""
    stored = {each.day: each for each in await calendars.between(job.tx, calendar, days[0].day, days[-1].day)}
    if not job.dry_run:
        await calendar_changes.write_days(job.tx, job.world, calendar, days, job.now, job.by, area=job.district)
    return sum(stored.get(each.day) != each for each in days)


async def _write_policy(job: _Import) -> tuple[str, int] | None:
    """Store and activate a policy that differs from the active one, unless it is a dry run. Return its key.

    An incident keeps the version it was reported under.
    """
    file = job.bundle.policy
    active = job.world.active(job.now)
    if file is None or (active is not None and active == file.policy(active.version)):
        return None
    version = 1 + max((number for code, number in job.world.policies if code == file.code), default=0)
    if not job.dry_run:
        await policies.add(job.tx, file.policy(version), job.now, job.by)
        await policies.activate(job.tx, file.code, version, job.now, job.now, job.by)
    return file.code, version


def _entries(job: _Import, report: ImportReport) -> list[Entry]:
    """Return the events of an import: one for the registry, and one for a policy that becomes active."""
    by = job.by.as_dict()
    rows, left_out = named(report.rows)
    imported: RegistryImportedData = {**report.facts(), "rows": rows, "rows_left_out": left_out, "by": by}
    entries = [Entry(EventType.REGISTRY_IMPORTED, job.now, job.district, (), imported)]
    if report.policy and job.bundle.policy:
        _, version = report.policy
        policy = job.bundle.policy.policy(version)
        activated = activation(policy, job.world.active(job.now), job.now, job.by)
        entries.append(Entry(EventType.POLICY_ACTIVATED, job.now, job.district, (), activated))
    return entries
