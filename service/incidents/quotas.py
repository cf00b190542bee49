"""How much one subject may report a day (contract §2, "Fair play", reporters).

The database counts: the rows of a group's subjects are counted up with the group, and the sums come back before the
commit. Between two groups a process knows what it saw last, which is exact as long as no other process takes reports of
the same subject. When the sums show that one did and that a quota would be passed, the group is decided once more.

Only what is stored counts. Ops have no quota unless their key carries one: what they report is somebody else's.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from types import TracebackType
from typing import NamedTuple

from service.rules.errors import QuotaReached
from service.rules.model import Actor, KeyQuota
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.rules.worktime import ZONE
from service.rules.world import World
from service.store.access import quotas
from service.store.access.quotas import day_of
from service.store.bulk import NewRows
from service.store.counting import CountedRow


class QuotaLimits(NamedTuple):
    """The most that one subject may report a day, and how many of these may be urgent."""

    reports: int
    urgent: int


class OvertakenError(Exception):
    """Another process has counted reports of the same subject meanwhile, and together they would pass its quota. What
    was not known is known now: the group is decided once more."""


@dataclass(slots=True, eq=False)
class _Day:
    """What is known of one subject on one day: the counts that were committed, as they were seen last, and those of the
    groups of this process that are being saved."""

    reports: int = 0
    urgent: int = 0
    pending: int = 0
    pending_urgent: int = 0


@dataclass(slots=True)
class _Taken:
    """What a group takes of a day, and the narrowest limits by which it did."""

    limits: QuotaLimits
    reports: int = 0
    urgent: int = 0


def limits_of(actor: Actor, world: World, now: datetime) -> QuotaLimits | None:
    """What this actor may report a day, by its key or else by the policy; None: as much as it likes."""
    policy = world.active(now)
    if policy is None or (actor.role is Role.OPS and actor.quota is None):
        return None
    own, general = actor.quota or KeyQuota(), policy.fair_play
    return QuotaLimits(
        general.reports if own.reports is None else own.reports,
        general.urgent if own.urgent is None else own.urgent,
    )


class Quotas:
    """What this process knows of the counts of today."""

    def __init__(self) -> None:
        self._days: dict[tuple[date, str], _Day] = {}
        self._newest = date.min

    def forget(self) -> None:
        """Forget all counts: the database may have been taken back, and then it counts anew from there."""
        self._days.clear()

    def of(self, day: date, subject: str) -> _Day:
        """What is known of a subject on a day. What is known of earlier days is dropped."""
        if day > self._newest:
            self._newest = day
            self._days = {key: known for key, known in self._days.items() if key[0] >= day}
        return self._days.setdefault((day, subject), _Day())


@dataclass(slots=True)
class GroupQuotas:
    """What one group of reports takes of the quotas. As a context, it gives everything back at its end."""

    quotas: Quotas
    _taken: dict[tuple[date, str], tuple[_Day, _Taken]] = field(default_factory=dict)

    def __enter__(self) -> GroupQuotas:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for known, taken in self._taken.values():
            known.pending -= taken.reports
            known.pending_urgent -= taken.urgent

    def refusal(
        self, subject: str, limits: QuotaLimits, now: datetime, *, is_urgent: bool = False
    ) -> QuotaReached | None:
        """Why the subject may not send one more report now; None when it may. `is_urgent`: and an urgent one."""
        known = self.quotas.of(day_of(now), subject)
        if known.reports + known.pending >= limits.reports:
            detail = Sentence(
                "You have sent {most} {most:report|reports} today, as many as one may: send this one again in {wait}, "
                "after midnight, or ask ops for more.",
                most=limits.reports,
                wait=timedelta(seconds=_left_of_day_s(now)),
            )
            return QuotaReached(detail, retry_after_s=_left_of_day_s(now))
        if is_urgent and known.urgent + known.pending_urgent >= limits.urgent:
            detail = Sentence(
                "You have sent {most} urgent {most:report|reports} today, as many as one may. If somebody is in "
                "danger, call for help now; otherwise send this one as normal, or again in {wait}, after midnight.",
                most=limits.urgent,
                wait=timedelta(seconds=_left_of_day_s(now)),
            )
            return QuotaReached(detail, retry_after_s=_left_of_day_s(now))
        return None

    def take(self, subject: str, limits: QuotaLimits, now: datetime, *, is_urgent: bool) -> None:
        """Count one report that is about to be stored."""
        key = day_of(now), subject
        if key not in self._taken:
            self._taken[key] = self.quotas.of(*key), _Taken(limits)
        known, taken = self._taken[key]
        taken.limits = QuotaLimits(min(taken.limits.reports, limits.reports), min(taken.limits.urgent, limits.urgent))
        taken.reports += 1
        known.pending += 1
        if is_urgent:
            taken.urgent += 1
            known.pending_urgent += 1

    def rows(self) -> NewRows | None:
        """The rows to count up; None when there are none."""
        found = [(*key, taken.reports, taken.urgent) for key, (_, taken) in self._taken.items()]
        return quotas.new_rows(found) if found else None

    def compare(self, counted: Sequence[CountedRow]) -> None:
        """Compare the sums that the database has come to with the limits. Raises `OvertakenError` when one is
        passed: what others have counted is known from then on, and this group's transaction must not be committed."""
        is_overtaken = False
        for day, subject, reports, urgent in counted:
            known, taken = self._taken[date.fromisoformat(day), subject]
            if reports > taken.limits.reports or (taken.urgent and urgent > taken.limits.urgent):
                known.reports, known.urgent = reports - taken.reports, urgent - taken.urgent
                is_overtaken = True
        if is_overtaken:
            raise OvertakenError

    def keep(self, counted: Sequence[CountedRow]) -> None:
        """Remember the sums, now that they are committed."""
        for day, subject, reports, urgent in counted:
            known, _ = self._taken[date.fromisoformat(day), subject]
            known.reports, known.urgent = max(known.reports, reports), max(known.urgent, urgent)


def _left_of_day_s(now: datetime) -> int:
    """Seconds until the day of Asia/Shanghai ends, rounded up."""
    midnight = datetime.combine(day_of(now) + timedelta(days=1), time(), ZONE)
    return math.ceil((midnight - now).total_seconds())
