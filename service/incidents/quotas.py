"""How much one subject may report a day (contract §2, "Fair play", reporters).

The database counts: the rows of a group's subjects are counted up with the group, and the sums that pass a limit come
back before the commit. Between two groups a process knows what it has counted itself, and what came back; that is all
there is, as long as no other process takes reports of the same subject. When a sum shows that one did and that a quota
would be passed, the group is decided once more.

Only what is stored counts. Ops have no quota unless their key carries one: what they report is somebody else's.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
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
from service.store.counting import CountedRow, Counts


class QuotaLimits(NamedTuple):
    """The most that one subject may report a day, and how many of these may be urgent."""

    reports: int
    urgent: int


class OvertakenError(Exception):
    """Another process has counted reports of the same subject meanwhile, and together they would pass its quota. What
    was not known is known now: the group is decided once more."""


@dataclass(slots=True, eq=False)
class _Known:
    """How many reports of a subject this process knows of this day, with those that its groups are about to store."""

    total: int = 0


@dataclass(slots=True, eq=False)
class _Taken:
    """What a group adds to a count, the narrowest limit by which it does, and the sum that it was decided by."""

    known: _Known
    here: int = 0
    most: int = sys.maxsize
    believed: int = 0

    def add(self, most: int) -> None:
        self.here += 1
        self.known.total += 1
        self.most, self.believed = min(self.most, most), self.known.total

    def give_back(self) -> None:
        self.known.total -= self.here
        self.here = 0

    def is_overtaken(self, found: int) -> bool:
        """Whether others have counted so much that this group passes a limit; `found` is the sum in the database. It
        may lack what other groups of this process are about to store: then too little is known, never too much.

        It is compared with the sum that this group was decided by: what is known by now may have become more since,
        by what another group has found, and that one is decided anew.
        """
        self.known.total = max(self.known.total, found)
        return found > max(self.most, self.believed)


class QuotaShare:
    """What one subject may still report by one key, while a group is decided."""

    __slots__ = ("_day", "_limits", "_reports", "_urgent")

    def __init__(self, taken: tuple[_Taken, _Taken], limits: QuotaLimits, day: date) -> None:
        self._reports, self._urgent = taken
        self._limits, self._day = limits, day

    def refusal(self, now: datetime, *, is_urgent: bool = False) -> QuotaReached | None:
        """Why the subject may not send one more report now; None when it may. `is_urgent`: and an urgent one."""
        limits = self._limits
        if self._reports.known.total >= limits.reports:
            wait_s = _left_s(self._day, now)
            detail = Sentence(
                "You have sent {most} {most:report|reports} today, as many as one may: send this one again in {wait}, "
                "after midnight, or ask ops for more.",
                most=limits.reports,
                wait=timedelta(seconds=wait_s),
            )
            return QuotaReached(detail, retry_after_s=wait_s)
        if is_urgent and self._urgent.known.total >= limits.urgent:
            wait_s = _left_s(self._day, now)
            detail = Sentence(
                "You have sent {most} urgent {most:report|reports} today, as many as one may. If somebody is in "
                "danger, call for help now; otherwise send this one as normal, or again in {wait}, after midnight.",
                most=limits.urgent,
                wait=timedelta(seconds=wait_s),
            )
            return QuotaReached(detail, retry_after_s=wait_s)
        return None

    def take(self, *, is_urgent: bool) -> None:
        """Count one report that is about to be stored."""
        self._reports.add(self._limits.reports)
        if is_urgent:
            self._urgent.add(self._limits.urgent)


class Quotas:
    """What this process knows of the counts of today."""

    def __init__(self) -> None:
        self._day = date.min
        self._known: dict[str, tuple[_Known, _Known]] = {}

    def forget(self) -> None:
        """Forget all counts: the database may have been taken back, and then it counts anew from there."""
        self._known = {}

    def of(self, day: date) -> dict[str, tuple[_Known, _Known]]:
        """What is known of a day, by subject. What is known of another day is dropped."""
        if day != self._day:
            self._day, self._known = day, {}
        return self._known


class GroupQuotas:
    """What one group of reports takes of the quotas. As a context, it gives everything back unless `keep` was called.

    All reports of a group are of one day: that on which they are decided.
    """

    def __init__(self, quotas: Quotas) -> None:
        self._quotas = quotas
        self._shares: dict[tuple[str, KeyQuota | None], QuotaShare] = {}
        self._taken: dict[str, tuple[_Taken, _Taken]] = {}
        self._is_kept = False

    def begin(self, world: World, now: datetime) -> None:
        """Begin to decide: `now` says which day it is, and the policy in force what everybody may report."""
        policy = world.active(now)
        self._day = day_of(now)
        self._known = self._quotas.of(self._day)
        self._general = None if policy is None else QuotaLimits(policy.fair_play.reports, policy.fair_play.urgent)
        self._narrowest = self._general

    def __enter__(self) -> GroupQuotas:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if not self._is_kept:
            self._give_back()

    def _give_back(self) -> None:
        for each in self._taken.values():
            for taken in each:
                taken.give_back()

    def share_of(self, actor: Actor) -> QuotaShare | None:
        """What an actor may report, by its key or else by the policy; None: as much as it likes."""
        key = actor.subject, actor.quota
        share = self._shares.get(key)
        if share is None and (limits := self._limits_of(actor)):
            taken = self._taken.get(actor.subject)
            if taken is None:
                reports, urgent = self._known.setdefault(actor.subject, (_Known(), _Known()))
                taken = self._taken[actor.subject] = _Taken(reports), _Taken(urgent)
            share = self._shares[key] = QuotaShare(taken, limits, self._day)
        return share

    def _limits_of(self, actor: Actor) -> QuotaLimits | None:
        if self._general is None or self._narrowest is None or (actor.role is Role.OPS and actor.quota is None):
            return None
        own, general = actor.quota or KeyQuota(), self._general
        limits = QuotaLimits(
            general.reports if own.reports is None else own.reports,
            general.urgent if own.urgent is None else own.urgent,
        )
        self._narrowest = QuotaLimits(*map(min, self._narrowest, limits))
        return limits

    def counts(self) -> Counts | None:
        """The rows to count up; None when there are none."""
        found = [(subject, reports.here, urgent.here) for subject, (reports, urgent) in self._taken.items()]
        added = [each for each in found if each[1]]
        return quotas.counts_of(self._day, added, self._narrowest) if added and self._narrowest else None

    def compare(self, counted: Sequence[CountedRow]) -> None:
        """Compare what is known with those sums in the database that pass a limit. Raises `OvertakenError` when this
        group must not be stored as it was decided."""
        found = [
            taken.is_overtaken(total)
            for _, subject, *sums in counted
            for taken, total in zip(self._taken[subject], sums, strict=True)
        ]
        if any(found):
            self._give_back()  # at once: until the transaction has ended, others would be refused by what is not stored
            raise OvertakenError

    def keep(self) -> None:
        """Remember what this group has added: it is committed."""
        self._is_kept = True


def _left_s(day: date, now: datetime) -> int:
    """Seconds until a day of Asia/Shanghai ends, rounded up."""
    midnight = datetime.combine(day + timedelta(days=1), time(), ZONE)
    return max(1, math.ceil((midnight - now).total_seconds()))
