"""Policies over time: draft → checked → active from an instant. An incident keeps the version it was reported under.

A version is checked when it is written and once more when it is activated, since the registry may have changed; it is
never edited. Who activated what, and from when, is in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.registry.policy_checks import faults_in_world, faults_within
from service.registry.policy_file import PolicyFile
from service.rules.errors import Conflict, NotFound, Pointer, ValidationFailed
from service.rules.model import By
from service.rules.policy import Policy
from service.rules.worktime import WorkCalendar
from service.rules.world import World
from service.store import calendars, log, policies, registry
from service.store.database import Database, Transaction
from service.store.log import Committed, Entry


@dataclass(frozen=True, slots=True)
class Drafted:
    """A version as it is stored. `new`: False when the newest version of its code says the same already."""

    policy: Policy
    new: bool
    committed: Committed | None = None


async def draft(database: Database, wanted: PolicyFile, now: datetime, by: By) -> Drafted:
    """Store the next version of a policy; nobody is under it before it is activated.

    Raises:
        ValidationFailed: every fault of it.
        Unavailable: the database is away.
    """
    async with database.begin() as tx:
        await registry.lock(tx)
        world = await registry.load(tx)
        await _demand_sound(tx, wanted, world, now)
        newest = max((version for code, version in world.policies if code == wanted.code), default=0)
        if newest and world.policies[wanted.code, newest] == wanted.policy(newest):
            return Drafted(world.policies[wanted.code, newest], new=False)
        written = wanted.policy(newest + 1)
        await policies.add(tx, written, wanted.title, now, by)
        await registry.rise(tx)
        data = {"policy": {"code": written.code, "version": written.version}, "by": by.as_dict()}
        told = [Entry("sihu.policy.drafted", now, world.district, (), data)]
        committed = await log.append(tx, told, reload=("world",))
    return Drafted(written, new=True, committed=committed)


async def activate(
    database: Database, code: str, version: int, at: datetime | None, now: datetime, by: By
) -> tuple[Policy, datetime, Committed | None]:
    """From `at` on (now unless given), incidents are reported under this version. Asked again: nothing is done twice.

    Raises:
        NotFound: no such version.
        ValidationFailed: `at` lies in the past, or the version no longer fits the registry.
        Conflict: it is the version in force already, and nothing else is to come.
    """
    async with database.begin() as tx:
        await registry.lock(tx)
        world = await registry.load(tx)
        chosen = world.policies.get((code, version))
        if chosen is None:
            raise NotFound(f"There is no version {version} of policy {code}: see GET /v1/policies.")
        starts = at or now
        if starts < now:
            detail = f"It is {now.isoformat()} already: nothing is activated in the past. Leave at out for now."
            raise ValidationFailed(detail, errors=[Pointer("/at", detail)])
        if any((each.at, each.code, each.version) == (starts, code, version) for each in world.activations):
            return chosen, starts, None
        if world.active(starts) == chosen and not any(each.at > starts for each in world.activations):
            raise Conflict(f"Version {version} of policy {code} is in force already.")
        await _demand_fit(tx, chosen, world, now)
        await policies.activate(tx, code, version, starts, now, by)
        await registry.rise(tx)
        data = {"policy": {"code": code, "version": version}, "at": starts.isoformat(), "by": by.as_dict()}
        told = [Entry("sihu.policy.activated", now, world.district, (), data)]
        committed = await log.append(tx, told, reload=("world",))
    return chosen, starts, committed


async def _demand_sound(tx: Transaction, wanted: PolicyFile, world: World, now: datetime) -> None:
    wrong = list(faults_within(wanted))
    known = (await calendars.days(tx)).get(wanted.calendar or "")
    if not wrong:
        timer = WorkCalendar(wanted.spans, known) if known else None
        wrong = list(faults_in_world(wanted, world.categories, timer, now))
    _refuse(wrong)


async def _demand_fit(tx: Transaction, chosen: Policy, world: World, now: datetime) -> None:
    """The registry's part of the check, anew."""
    known = (await calendars.days(tx)).get(chosen.hours.calendar) if chosen.hours else None
    if chosen.hours and not known:
        _refuse([f"calendar {chosen.hours.calendar} holds no days: load them first (sihu calendar load)"])
    prefixes = {box.category for rows in chosen.boxes.values() for box in rows if box.category}
    _refuse(
        [
            f"category {prefix}: no category comes to this row any more"
            for prefix in sorted(prefixes)
            if not any(code.startswith(prefix) for code in world.categories)
        ]
    )


def _refuse(wrong: Sequence[str]) -> None:
    if wrong:
        detail = f"{len(wrong)} faults; nothing was written: correct each."
        raise ValidationFailed(detail, errors=[Pointer("", each) for each in wrong])
