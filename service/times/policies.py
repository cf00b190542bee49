"""Versions of a policy: a version is drafted, checked, and in force from the instant of its activation.

An incident keeps the version it was reported under. A version is checked when it is written and again when it is
activated, since the registry may have changed; it is never edited. The log says who activated which version from when.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NotRequired

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.errors import Conflict, NotFound, Pointer, Rule, ValidationFailed, wrong_field
from service.rules.logged import ByView
from service.rules.model import By
from service.rules.policy import Policy
from service.rules.sentences import Sentence
from service.rules.words import EventType
from service.rules.world import World
from service.shown.changes import ChangedRow, named
from service.shown.references import PolicyReference
from service.store.database import Database, Transaction
from service.store.log import writing
from service.store.log.writing import Committed, Entry
from service.store.registry import calendars, policies
from service.store.registry import world as world_
from service.times.policy_checks import faults_in_world, faults_within
from service.times.policy_file import PolicyFile
from service.times.views import differences


class PolicyDraftedData(TypedDict):
    """The data of `sihu.policy.drafted`."""

    policy: PolicyReference
    by: ByView


class PolicyActivatedData(TypedDict):
    """The data of `sihu.policy.activated`. The version is in force from `at` on, in the place of `before` (null: there
    was none). `rows`: what differs from that, 200 rows at most; `rows_left_out`: how many more there are. An event from
    before they were kept has none of the three."""

    policy: PolicyReference
    at: datetime
    before: NotRequired[PolicyReference | None]
    rows: NotRequired[list[ChangedRow]]
    rows_left_out: NotRequired[int]
    by: ByView


@dataclass(frozen=True, slots=True)
class PolicyDraft:
    """A version as it is stored. `new` is False when the newest version of its code has the same content."""

    policy: Policy
    new: bool
    committed: Committed | None = None


async def draft(database: Database, file: PolicyFile, now: datetime, by: By) -> PolicyDraft:
    """Store the next version of a policy. No incident is reported under it before it is activated.

    Raises:
        ValidationFailed: the policy has faults; the errors name every one.
        Unavailable: the database cannot be reached.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        await _require_sound(tx, file, world, now)
        newest = max((version for code, version in world.policies if code == file.code), default=0)
        if newest and world.policies[file.code, newest] == file.policy(newest):
            return PolicyDraft(world.policies[file.code, newest], new=False)
        policy = file.policy(newest + 1)
        await policies.add(tx, policy, now, by)
        await world_.rise(tx)
        data: PolicyDraftedData = {"policy": {"code": policy.code, "version": policy.version}, "by": by.as_dict()}
        entry = Entry(EventType.POLICY_DRAFTED, now, world.district, (), data)
        committed = await writing.append(tx, [entry], reload=("world",))
    return PolicyDraft(policy, new=True, committed=committed)


async def activate(
    database: Database, code: str, version: int, at: datetime | None, now: datetime, by: By
) -> tuple[Policy, datetime, Committed | None]:
    """Put a version in force from `at` on, or from now on when `at` is None.

    A repeated activation at the same instant writes nothing, and its third result is None.

    Raises:
        NotFound: the version does not exist.
        ValidationFailed: `at` lies in the past, or the version no longer fits the registry.
        Conflict: the version is in force already, and no other one is to come.
    """
    async with database.begin() as tx:
        await world_.lock(tx)
        world = await world_.load(tx)
        policy = world.policies.get((code, version))
        if policy is None:
            raise NotFound(
                Sentence(
                    "There is no version {version} of policy {policy}: see GET /v1/policies.",
                    version=version,
                    policy=code,
                )
            )
        starts = at or now
        same = [each for each in world.activations if each.at == starts]
        if same and (same[-1].code, same[-1].version) == (code, version):
            return policy, starts, None
        _require_change(policy, starts, world, now)
        await _require_fit(tx, policy, world, now)
        await policies.activate(tx, code, version, starts, now, by)
        await world_.rise(tx)
        data = activation(policy, world.active(starts), starts, by)
        entry = Entry(EventType.POLICY_ACTIVATED, now, world.district, (), data)
        committed = await writing.append(tx, [entry], reload=("world",))
    return policy, starts, committed


def activation(policy: Policy, before: Policy | None, at: datetime, by: By) -> PolicyActivatedData:
    """Return what the log keeps of a policy that is in force from `at` on, in the place of `before`."""
    rows, left_out = named(differences(before, policy))
    return {
        "policy": {"code": policy.code, "version": policy.version},
        "at": at,
        "before": None if before is None else {"code": before.code, "version": before.version},
        "rows": rows,
        "rows_left_out": left_out,
        "by": by.as_dict(),
    }


def _require_change(policy: Policy, starts: datetime, world: World, now: datetime) -> None:
    """Refuse an activation in the past, and one that would change nothing."""
    if starts < now:
        detail = Sentence("It is {now} already: nothing is activated in the past. Leave at out for now.", now=now)
        raise wrong_field("/at", detail, Rule.NOT_IN_FUTURE, min=now)
    if world.active(starts) == policy and not any(each.at > starts for each in world.activations):
        raise Conflict(
            Sentence(
                "Version {version} of policy {policy} is in force already: activate another one.",
                version=policy.version,
                policy=policy.code,
            )
        )


async def _require_sound(tx: Transaction, file: PolicyFile, world: World, now: datetime) -> None:
    """Check a new version by itself and against the registry."""
    days = (await calendars.days(tx)).get(file.calendar or "")
    faults = faults_in_world(file.policy(0), world.categories, days, now)
    _require_none([*faults_within(file), *faults])


async def _require_fit(tx: Transaction, policy: Policy, world: World, now: datetime) -> None:
    """Check a stored version against the registry again."""
    days = (await calendars.days(tx)).get(policy.hours.calendar) if policy.hours else None
    _require_none(list(faults_in_world(policy, world.categories, days, now)))


def _require_none(faults: Sequence[Sentence]) -> None:
    if faults:
        detail = Sentence(
            "{count} {count:fault|faults}; nothing was written: correct each of errors.", count=len(faults)
        )
        raise ValidationFailed(detail, errors=[Pointer("", each) for each in faults])
