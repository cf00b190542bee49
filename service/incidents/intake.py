"""The intake of reports, with group commit: reports that wait at the same moment are saved in one transaction.

In a burst, each group of reports costs one commit. A bad report does not affect the others of its group: when the rules
refuse it, they refuse it alone; when the database refuses a group, its reports are saved one by one. Each report is
answered after its commit.

Reports are decided in the order in which they came, so that the first of two under one key or from one source wins.

A report that finds the queue full, or waits in it for too long, is refused and not stored.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from service import ids
from service.context import Context, Part
from service.incidents.numbers import Numbers
from service.rules import lifecycle
from service.rules.decisions import Decision
from service.rules.errors import IdempotencyMismatch, SihuError, Unavailable
from service.rules.model import Actor, Draft
from service.rules.sentences import Sentence
from service.rules.world import World
from service.store.database import StatementRefused, Transaction
from service.store.incidents import reports, saving
from service.store.incidents.reports import EarlierReport, NamePair, Report
from service.store.log.writing import Committed
from service.store.sqlstates import Trouble

MAX_GROUP = 500
"""Reports in one group, which is one transaction."""
_MAX_GROUPS_AT_ONCE = 2
"""Groups that are worked on at once: while one waits for its commit, the rules decide about the next."""
MAX_QUEUE = 10 * MAX_GROUP
"""Reports that wait for a group: what is saved in a few seconds when all goes well."""
MAX_WAIT_S = 3.0
"""Seconds that a report waits for a group."""
_MAY_HAVE_MOVED = (Trouble.AWAY, Trouble.READ_ONLY, Trouble.REFUSED)
"""The troubles after which the database may be another one, as after a failover or a restore."""


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

_Mark = tuple[str, str, str]
"""The key or the source of a report: of two that share one, the first is stored before the second is looked at."""


@dataclass(slots=True, eq=False)
class _Waiting:
    draft: Draft
    content: Report
    actor: Actor
    refused_at: float
    answer: asyncio.Future[IntakeOutcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    key: NamePair | None = field(init=False)
    marks: frozenset[_Mark] = field(init=False)

    def __post_init__(self) -> None:
        content = self.content
        self.key = (content.subject, content.idempotency_key) if content.idempotency_key else None
        marks = (("key", *self.key) if self.key else None, ("source", *content.source) if content.source else None)
        self.marks = frozenset(mark for mark in marks if mark)

    def settle(self, outcome: IntakeOutcome | BaseException) -> None:
        if self.answer.done():  # the client hung up; the report is stored all the same
            return
        if isinstance(outcome, BaseException):
            self.answer.set_exception(outcome)
        else:
            self.answer.set_result(outcome)


@dataclass(slots=True)
class _Known:
    """The reports that were stored before a group, and those that the group itself has brought so far."""

    by_key: dict[NamePair, EarlierReport]
    by_source: dict[NamePair, EarlierReport]

    def find(self, waiting: _Waiting) -> RepeatedReport | IdempotencyMismatch | None:
        """What became of this report when it was sent before; None when it is new."""
        content = waiting.content
        if waiting.key in self.by_key:
            earlier = self.by_key[waiting.key]
            if earlier.body_hash != content.body_hash:
                return IdempotencyMismatch(
                    Sentence(
                        "This Idempotency-Key was already used with another body: "
                        "send the first body again, or a new key."
                    )
                )
            return RepeatedReport(earlier, by_source=False)
        if content.source in self.by_source:
            return RepeatedReport(self.by_source[content.source], by_source=True)
        return None

    def add(self, waiting: _Waiting, decision: Decision) -> None:
        """Remember a new report, for those behind it in the group."""
        report = EarlierReport(decision.after.id, waiting.content.body_hash)
        if waiting.key:
            self.by_key[waiting.key] = report
        if waiting.content.source:
            self.by_source[waiting.content.source] = report


class Intake(Part):
    """Stores the reports of a process: every request that brings a report calls `submit`. There is one for each
    process."""

    reloads = "numbers"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queue: deque[_Waiting] = deque()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._numbers = Numbers()
        self._in_flight: set[_Mark] = set()
        self._next_refusal: asyncio.TimerHandle | None = None

    async def load(self) -> None:
        self._numbers.give_up()

    def start(self) -> None:
        """Start to save the reports that are submitted, group by group."""
        self._tasks = [asyncio.create_task(self._work()) for _ in range(_MAX_GROUPS_AT_ONCE)]

    async def stop(self) -> None:
        """Begin no further group. A group that is being saved is finished, so that each of its reports is answered."""
        self._stopping = True
        self._arrived.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._next_refusal is not None:
            self._next_refusal.cancel()

    def submit(self, draft: Draft, content: Report, actor: Actor) -> asyncio.Future[IntakeOutcome]:
        """Put one report into the queue. Returns what will have become of it after its commit.

        Raises, here or in the future:
            SihuError: this report is refused (see `lifecycle.report`), or its key was used with another body.
            Unavailable: the database cannot be reached, or too many reports wait for it.
        """
        self._context.database.demand_reachable()
        if len(self._queue) >= MAX_QUEUE:
            raise _too_many()
        loop = asyncio.get_running_loop()
        waiting = _Waiting(draft, content, actor, loop.time() + MAX_WAIT_S)
        self._queue.append(waiting)
        self._arrived.set()
        if self._next_refusal is None:
            self._next_refusal = loop.call_at(waiting.refused_at, self._refuse_late)
        return waiting.answer

    def _refuse_late(self) -> None:
        """Refuse the reports that have waited for too long. They are the first of the queue."""
        loop = asyncio.get_running_loop()
        while self._queue and self._queue[0].refused_at <= loop.time():
            self._queue.popleft().settle(_too_many())
        at = self._queue[0].refused_at if self._queue else None
        self._next_refusal = None if at is None else loop.call_at(at, self._refuse_late)

    async def _work(self) -> None:
        while not self._stopping:
            await self._arrived.wait()
            group = [] if self._stopping else self._take()
            marks = {mark for waiting in group for mark in waiting.marks}
            self._in_flight |= marks
            try:
                if group:
                    await self._save(group)
            finally:
                self._in_flight -= marks
                if group and self._queue:  # what stayed behind for this group can go on
                    self._arrived.set()

    def _take(self) -> list[_Waiting]:
        """The next group. A report stays in the queue while its key or source is in a group that is being saved, and so
        does every later one that shares a key or source with it: the first of two that share one wins."""
        group: list[_Waiting] = []
        behind: list[_Waiting] = []
        blocked = set(self._in_flight)
        while self._queue and len(group) < MAX_GROUP:
            waiting = self._queue.popleft()
            if waiting.marks.isdisjoint(blocked):
                group.append(waiting)
            else:
                blocked |= waiting.marks
                behind.append(waiting)
        self._queue.extendleft(reversed(behind))
        if not self._queue or not group:
            self._arrived.clear()
        return group

    async def _save(self, group: Sequence[_Waiting]) -> Exception | None:
        """Store a group and answer each of its reports. Returns the error that they all got, if they did."""
        try:
            outcomes = await self._store(group)
        except StatementRefused as error:
            # one bad report must not fail the group, so each is saved alone; a key or source that another process has
            # stored in this very moment is found when the report is looked at again
            if len(group) == 1 and not reports.is_taken(error):
                return self._fail(group, error)
            for n, waiting in enumerate(group):
                if isinstance(failed := await self._save([waiting]), Unavailable):
                    return self._fail(group[n + 1 :], failed)
        except Exception as error:  # whatever went wrong, each waiting request gets it as its answer
            return self._fail(group, error)
        else:
            for waiting, outcome in zip(group, outcomes, strict=True):
                waiting.settle(outcome)
        return None

    def _fail(self, group: Sequence[_Waiting], error: Exception) -> Exception:
        if not isinstance(error, Unavailable):
            self._context.metrics.fault("intake", error)
        elif error.trouble in _MAY_HAVE_MOVED:
            self._numbers.give_up()
        for waiting in group:
            waiting.settle(error)
        return error

    async def _store(self, group: Sequence[_Waiting]) -> list[IntakeOutcome | SihuError]:
        async with self._context.database.begin() as tx:
            world = await self._context.worlds.fresh(tx)
            known = _Known(
                await reports.known_by_key(tx, [waiting.key for waiting in group if waiting.key]),
                await reports.known_by_source(tx, [w.content.source for w in group if w.content.source]),
            )
            await self._numbers.reserve(tx, sum(known.find(waiting) is None for waiting in group))
            # nothing is awaited until all are decided, so that no other group takes the reserved numbers
            outcomes = [known.find(waiting) or self._decide(waiting, known, world) for waiting in group]
            committed = await _write(tx, [each for each in outcomes if isinstance(each, NewReport)])
        if committed:
            self._context.tell(committed)
        self._context.metrics.intake_group(len(group))
        return outcomes

    def _decide(self, waiting: _Waiting, known: _Known, world: World) -> NewReport | SihuError:
        """The decision about a report that was not sent before. Only an incident takes a number."""
        now = self._context.clock.now()
        name, new_id = self._numbers.first(now), ids.new_id(now)
        try:
            decision = lifecycle.report(waiting.draft, waiting.actor, world, incident_id=new_id, number=name, now=now)
        except SihuError as error:
            return error
        self._numbers.take()
        known.add(waiting, decision)
        return NewReport(decision, waiting.content, world)


def _too_many() -> Unavailable:
    return Unavailable(
        Sentence(
            "Too many reports wait to be stored, and this one was not. "
            "Send the same request again, with its Idempotency-Key: it is not done twice."
        ),
        trouble="busy",
    )


async def _write(tx: Transaction, new: Sequence[NewReport]) -> Committed | None:
    if not new:
        return None
    # always in one order: two processes that insert the same keys wait for each other, but never in a circle
    ordered = sorted(new, key=_insert_order)
    rows = reports.new_rows([(each.decision.after, each.content, each.line) for each in ordered])
    return await saving.save(tx, [each.decision for each in new], beside=[rows])


def _insert_order(new: NewReport) -> tuple[str, str, tuple[str, ...]]:
    return new.content.subject, new.content.idempotency_key or "", new.content.source or ()
