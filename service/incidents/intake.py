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

from service import ids
from service.access import sealed_contacts
from service.access.secret_keys import Secrets
from service.context import Context, Part
from service.incidents.numbers import Numbers
from service.incidents.quotas import GroupQuotas, OvertakenError, Quotas
from service.incidents.waiting import IntakeOutcome, KnownReports, NewReport, ReportMark, WaitingReport
from service.rules import lifecycle
from service.rules.acts import Draft
from service.rules.errors import SihuError, Unavailable
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Urgency
from service.rules.world import World
from service.store.access import contacts
from service.store.access.contacts import SealedContact
from service.store.database import StatementRefused, Transaction
from service.store.incidents import reports, saving
from service.store.incidents.reports import Report
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


class Intake(Part):
    """Stores the reports of a process: every request that brings a report calls `submit`. There is one for each
    process."""

    reloads = "numbers"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queue: deque[WaitingReport] = deque()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._numbers, self._quotas = Numbers(), Quotas()
        self._in_flight: set[ReportMark] = set()
        self._next_refusal: asyncio.TimerHandle | None = None

    async def load(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """Forget what was read of a database that may be another one now."""
        self._numbers.give_up()
        self._quotas.forget()

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
        waiting = WaitingReport(draft, content, actor, loop.time() + MAX_WAIT_S)
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

    def _take(self) -> list[WaitingReport]:
        """The next group. A report stays in the queue while its key or source is in a group that is being saved, and so
        does every later one that shares a key or source with it: the first of two that share one wins."""
        group: list[WaitingReport] = []
        behind: list[WaitingReport] = []
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

    async def _save(self, group: Sequence[WaitingReport]) -> Exception | None:
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

    def _fail(self, group: Sequence[WaitingReport], error: Exception) -> Exception:
        if not isinstance(error, Unavailable):
            self._context.metrics.fault("intake", error)
        elif error.trouble in _MAY_HAVE_MOVED:
            self._forget()
        for waiting in group:
            waiting.settle(error)
        return error

    async def _store(self, group: Sequence[WaitingReport]) -> list[IntakeOutcome | SihuError]:
        while True:
            try:
                return await self._stored(group)
            except OvertakenError:  # each time, others have counted more: once a quota is reached, nobody does
                continue

    async def _stored(self, group: Sequence[WaitingReport]) -> list[IntakeOutcome | SihuError]:
        with GroupQuotas(self._quotas) as quotas:
            async with self._context.database.begin() as tx:
                world = await self._context.worlds.fresh(tx)
                known = KnownReports(
                    await reports.known_by_key(tx, [waiting.key for waiting in group if waiting.key]),
                    await reports.known_by_source(tx, [w.content.source for w in group if w.content.source]),
                )
                await self._numbers.reserve(tx, sum(known.find(waiting) is None for waiting in group))
                quotas.begin(world, self._context.clock.now())
                # nothing is awaited until all are decided, so that no other group takes the reserved numbers
                outcomes = [known.find(each) or self._decide(each, known, quotas, world) for each in group]
                new = [each for each in outcomes if isinstance(each, NewReport)]
                committed = await _write(tx, new, quotas, self._sealed_contacts(new))
            quotas.keep()
        if committed:
            self._context.tell(committed)
        self._context.metrics.intake_group(len(group))
        return outcomes

    def _sealed_contacts(self, new: Sequence[NewReport]) -> list[SealedContact]:
        """The contacts of new reports. Few reports have one."""
        found = [(each.decision.after, each.content.contact) for each in new]
        box = self._context.part(Secrets).box if any(contact for _, contact in found) else None
        return [
            sealed_contacts.sealed(box, incident.id, incident.grid_code, contact)
            for incident, contact in found
            if box is not None and contact is not None
        ]

    def _decide(
        self, waiting: WaitingReport, known: KnownReports, quotas: GroupQuotas, world: World
    ) -> NewReport | SihuError:
        """The decision about a report that was not sent before. Only an incident takes a number, and counts."""
        now, share = self._context.clock.now(), quotas.share_of(waiting.actor)
        if share and (refused := share.refusal(now)):
            return refused
        name, new_id = self._numbers.first(now), ids.new_id(now)
        try:
            decision = lifecycle.report(waiting.draft, waiting.actor, world, incident_id=new_id, number=name, now=now)
        except SihuError as error:
            return error
        if share:
            is_urgent = decision.after.urgency is Urgency.URGENT
            if is_urgent and (refused := share.refusal(now, is_urgent=True)):
                return refused
            share.take(is_urgent=is_urgent)
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


async def _write(
    tx: Transaction, new: Sequence[NewReport], quotas: GroupQuotas, sealed: Sequence[SealedContact]
) -> Committed | None:
    """Write the new reports of a group. Raises `OvertakenError` when they would pass a quota."""
    if not new:
        return None
    # always in one order: two processes that insert the same keys wait for each other, but never in a circle
    ordered = sorted(new, key=_insert_order)
    rows = [reports.new_rows([(each.decision.after, each.content, each.line) for each in ordered])]
    if sealed:
        rows.append(contacts.new_rows(sealed))
    texts = {each.decision.after.id: each.content.text for each in new}
    decisions = [each.decision for each in new]
    committed = await saving.save(tx, decisions, reported=texts, beside=rows, counts=quotas.counts())
    if committed:
        quotas.compare(committed.counted)
    return committed


def _insert_order(new: NewReport) -> tuple[str, str, tuple[str, ...]]:
    return new.content.subject, new.content.idempotency_key or "", new.content.source or ()
