"""The intake of reports, with group commit: reports that wait at the same moment are saved in one transaction.

In a burst, each group of reports costs one commit. A bad report does not affect the others of its group: when the rules
refuse it, they refuse it alone; when the database refuses a group, its reports are saved one by one. Each report is
answered after its commit.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from service import ids
from service.context import Context, Part
from service.rules import lifecycle
from service.rules.errors import IdempotencyMismatch, SihuError, Unavailable
from service.rules.model import Actor, Decision, Draft
from service.rules.sentences import Sentence
from service.rules.worktime import ZONE
from service.rules.world import World
from service.store.database import StatementRefused, Transaction
from service.store.incidents import reports, saving
from service.store.incidents.reports import EarlierReport, NamePair, Report
from service.store.log.writing import Committed

MAX_GROUP = 500
"""Reports in one group, which is one transaction."""
_MAX_GROUPS_AT_ONCE = 2
"""Groups that are worked on at once: while one waits for its commit, the rules decide about the next."""


@dataclass(frozen=True, slots=True)
class NewReport:
    """A report that became an incident, and the world by which the incident was routed."""

    decision: Decision
    content: Report
    world: World

    @property
    def line(self) -> str:
        """The line of work to which the category belongs."""
        incident = self.decision.after
        category = self.world.category(incident.category, incident.reported_at)
        return category.line if category else ""


@dataclass(frozen=True, slots=True)
class RepeatedReport:
    """A report that was stored before, under the same Idempotency-Key or, if `by_source`, from the same source."""

    known: EarlierReport
    by_source: bool


IntakeOutcome = NewReport | RepeatedReport


@dataclass(slots=True, eq=False)
class _Waiting:
    draft: Draft
    content: Report
    actor: Actor
    answer: asyncio.Future[IntakeOutcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def key(self) -> NamePair | None:
        return (self.content.subject, self.content.idempotency_key) if self.content.idempotency_key else None

    @property
    def marks(self) -> set[NamePair]:
        """The key and the source: of two reports that share one, the first is stored before the second is looked at."""
        return {mark for mark in (self.key, self.content.source) if mark}

    def settle(self, outcome: IntakeOutcome | BaseException) -> None:
        if self.answer.done():  # the client hung up; the report is stored all the same
            return
        if isinstance(outcome, BaseException):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


class Intake(Part):
    """Stores the reports of a process: every request that brings a report calls `submit`. There is one for each
    process."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._numbers: deque[int] = deque()
        self._in_flight: set[NamePair] = set()

    def start(self) -> None:
        """Start to save the reports that are submitted, group by group."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(_MAX_GROUPS_AT_ONCE)]

    async def stop(self) -> None:
        """Begin no further group. A group that is being saved is finished, so that each of its reports is answered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def submit(self, draft: Draft, content: Report, actor: Actor) -> IntakeOutcome:
        """Store one report, and return after its commit.

        Raises:
            SihuError: this report is refused (see `lifecycle.report`), or its key was used with another body.
            Unavailable: the database cannot be reached.
        """
        waiting = _Waiting(draft, content, actor)
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.answer

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            group = self._take()
            marks = {mark for waiting in group for mark in waiting.marks}
            self._in_flight |= marks
            try:
                if group:
                    await asyncio.shield(self._save(group))
            finally:
                self._in_flight -= marks
                if group and self._queue:  # what stayed behind for this group can go on
                    self._arrived.set()

    def _take(self) -> list[_Waiting]:
        """The next group. A report stays in the queue while its key or source is in this group or in one that is being
        saved: the first of two that share one wins."""
        group: list[_Waiting] = []
        taken = set(self._in_flight)
        behind: list[_Waiting] = []
        while self._queue and len(group) < MAX_GROUP:
            waiting = self._queue.popleft()
            if waiting.marks & taken:
                behind.append(waiting)
            else:
                taken |= waiting.marks
                group.append(waiting)
        self._queue.extendleft(reversed(behind))
        if not self._queue or not group:
            self._arrived.clear()
        return group

    async def _save(self, group: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._store(group)
        except StatementRefused as error:
            # one bad report must not fail the group, so each is saved alone; a key or source that another process has
            # stored in this very moment is found when the report is looked at again
            if len(group) == 1 and not reports.is_taken(error):
                self._fail(group, error)
            else:
                for waiting in group:
                    await self._save([waiting])
        except Exception as error:  # whatever went wrong, each waiting request gets it as its answer
            self._fail(group, error)
        else:
            for waiting, outcome in zip(group, outcomes, strict=True):
                waiting.settle(outcome)

    def _fail(self, group: Sequence[_Waiting], error: Exception) -> None:
        if not isinstance(error, Unavailable):
            self._context.metrics.fault("intake", error)
        for waiting in group:
            waiting.settle(error)

    async def _store(self, group: Sequence[_Waiting]) -> list[IntakeOutcome | SihuError]:
        numbers = await self._take_numbers(len(group))
        async with self._context.database.begin() as tx:
            world = await self._context.worlds.fresh(tx)
            by_key = await reports.known_by_key(tx, [waiting.key for waiting in group if waiting.key])
            by_source = await reports.known_by_source(tx, [w.content.source for w in group if w.content.source])
            outcomes = [
                self._decide(waiting, number, by_key, by_source, world)
                for waiting, number in zip(group, numbers, strict=True)
            ]
            committed = await _write(tx, [each for each in outcomes if isinstance(each, NewReport)])
        if committed:
            self._context.tell(committed)
        self._context.metrics.intake_group(len(group))
        return outcomes

    def _decide(
        self,
        waiting: _Waiting,
        number: int,
        by_key: dict[NamePair, EarlierReport],
        by_source: dict[NamePair, EarlierReport],
        world: World,
    ) -> IntakeOutcome | SihuError:
        content = waiting.content
        if waiting.key in by_key:
            known = by_key[waiting.key]
            if known.body_hash != content.body_hash:
                return IdempotencyMismatch(
                    Sentence(
                        "This Idempotency-Key was already used with another body: "
                        "send the first body again, or a new key."
                    )
                )
            return RepeatedReport(known, by_source=False)
        if content.source in by_source:
            return RepeatedReport(by_source[content.source], by_source=True)
        now = self._context.clock.now()
        try:
            name = f"{now.astimezone(ZONE).year}-{number:06d}"
            decision = lifecycle.report(
                waiting.draft, waiting.actor, world, incident_id=ids.new_id(now), number=name, now=now
            )
        except SihuError as error:
            return error
        return NewReport(decision, content, world)

    async def _take_numbers(self, count: int) -> list[int]:
        """Incident numbers from the blocks that this process has reserved. Numbers of a group that is not saved stay
        unused (contract §3, gaps are allowed)."""
        while len(self._numbers) < count:
            async with self._context.database.begin() as tx:
                first = await saving.number_block(tx)
            self._numbers.extend(range(first, first + saving.NUMBER_BLOCK))
        return [self._numbers.popleft() for _ in range(count)]


async def _write(tx: Transaction, new: Sequence[NewReport]) -> Committed | None:
    if not new:
        return None
    # always in one order: two processes that insert the same keys wait for each other, but never in a circle
    ordered = sorted(new, key=_insert_order)
    await reports.insert(tx, [(each.decision.after, each.content, each.line) for each in ordered])
    return await saving.save(tx, [each.decision for each in new])


def _insert_order(new: NewReport) -> tuple[str, str, tuple[str, ...]]:
    return new.content.subject, new.content.idempotency_key or "", new.content.source or ()
