"""Policies over time: draft → checked → active from an instant. An incident keeps the version it was reported under.

A version is checked when it is written and once more when it is activated, since the registry may have changed; it is
never edited. Who activated what, and from when, is in the log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from service.rules.errors import Conflict, NotFound, Pointer, ValidationFailed
from service.rules.model import By
from service.rules.policy import Policy
from service.rules.words import EventType
from service.rules.worktime import WorkCalendar
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.log import writing
from service.store.log.writing import Committed, Entry
from service.store.registry import calendars, policies
from service.store.registry import world as world_
from service.times.policy_checks import faults_in_world, faults_within, timer_of
from service.times.policy_file import PolicyFile


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
        await world_.lock(tx)
        world = await world_.load(tx)
        await _demand_sound(tx, wanted, world, now)
        newest = max((version for code, version in world.policies if code == wanted.code), default=0)
        if newest and world.policies[wanted.code, newest] == wanted.policy(newest):
            return Drafted(world.policies[wanted.code, newest], new=False)
        written = wanted.policy(newest + 1)
        await policies.add(tx, written, now, by)
        await world_.rise(tx)
        data = {"policy": {"code": written.code, "version": written.version}, "by": by.as_dict()}
        told = [Entry(EventType.POLICY_DRAFTED, now, world.district, (), data)]
        committed = await writing.append(tx, told, reload=("world",))
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
        await world_.lock(tx)
        world = await world_.load(tx)
        chosen = world.policies.get((code, version))
        if chosen is None:
            raise NotFound(f"There is no version {version} of policy {code}: see GET /v1/policies.")
        starts = at or now
        same = [each for each in world.activations if each.at == starts]
        if same and (same[-1].code, same[-1].version) == (code, version):
            return chosen, starts, None
        if starts < now:
            detail = f"It is {now.isoformat()} already: nothing is activated in the past. Leave at out for now."
            raise ValidationFailed(detail, errors=[Pointer("/at", detail)])
        if world.active(starts) == chosen and not any(each.at > starts for each in world.activations):
            raise Conflict(f"Version {version} of policy {code} is in force already.")
        await _demand_fit(tx, chosen, world, now)
        await policies.activate(tx, code, version, starts, now, by)
        await world_.rise(tx)
        data = {"policy": {"code": code, "version": version}, "at": starts.isoformat(), "by": by.as_dict()}
        told = [Entry(EventType.POLICY_ACTIVATED, now, world.district, (), data)]
        committed = await writing.append(tx, told, reload=("world",))
    return chosen, starts, committed


async def _demand_sound(tx: Transaction, wanted: PolicyFile, world: World, now: datetime) -> None:
    known = (await calendars.days(tx)).get(wanted.calendar or "")
    found = faults_in_world(wanted.policy(0), world.categories, timer_of(wanted, known), now)
    _refuse([*faults_within(wanted), *found])


async def _demand_fit(tx: Transaction, chosen: Policy, world: World, now: datetime) -> None:
    """The registry's part of the check, anew."""
    known = (await calendars.days(tx)).get(chosen.hours.calendar) if chosen.hours else None
    timer = WorkCalendar(chosen.hours.spans, known) if chosen.hours and known else None
    _refuse(list(faults_in_world(chosen, world.categories, timer, now)))


def _refuse(wrong: Sequence[str]) -> None:
    if wrong:
        detail = f"{len(wrong)} faults; nothing was written: correct each."
        raise ValidationFailed(detail, errors=[Pointer("", each) for each in wrong])
