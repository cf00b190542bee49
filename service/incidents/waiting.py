"""The reports that wait to be stored, and what becomes of each: a new incident, or one that was stored before."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from service.rules.acts import Draft
from service.rules.decisions import Decision
from service.rules.errors import IdempotencyMismatch, NotYours, Pointer
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.world import World
from service.store.incidents.reports import EarlierReport, NamePair, Report


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

ReportMark = tuple[str, str, str]
"""The key or the source of a report: of two that share one, the first is stored before the second is looked at."""


@dataclass(slots=True, eq=False)
class WaitingReport:
    """A report in the queue, with the future by which its request is answered."""

    draft: Draft
    content: Report
    actor: Actor
    refused_at: float
    answer: asyncio.Future[IntakeOutcome] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    key: NamePair | None = field(init=False)
    marks: frozenset[ReportMark] = field(init=False)

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
class KnownReports:
    """The reports that were stored before a group, and those that the group itself has brought so far."""

    by_key: dict[NamePair, EarlierReport]
    by_source: dict[NamePair, EarlierReport]

    def find(self, waiting: WaitingReport) -> RepeatedReport | IdempotencyMismatch | NotYours | None:
        """What became of this report when it was sent before; None when it is new. Whose key does not carry the system
        of a source learns nothing of that source."""
        content = waiting.content
        if waiting.key in self.by_key:
            earlier = self.by_key[waiting.key]
            if not content.is_that_of(earlier):
                return IdempotencyMismatch(
                    Sentence(
                        "This Idempotency-Key was already used with another body: "
                        "send the first body again, or a new key."
                    )
                )
            return RepeatedReport(earlier, by_source=False)
        if content.source is not None and content.source[0] not in waiting.actor.systems:
            return _not_its_system(content.source[0])
        if content.source in self.by_source:
            return RepeatedReport(self.by_source[content.source], by_source=True)
        return None

    def add(self, waiting: WaitingReport, decision: Decision) -> None:
        """Remember a new report, for those behind it in the group."""
        report = EarlierReport(decision.after.id, waiting.content.body_hash)
        if waiting.key:
            self.by_key[waiting.key] = report
        if waiting.content.source:
            self.by_source[waiting.content.source] = report


def _not_its_system(system: str) -> NotYours:
    detail = Sentence(
        "Your key does not report for the system {system}: leave out source, or ask ops for a key that carries the "
        "system.",
        system=system,
    )
    return NotYours(detail, errors=(Pointer("/source/system", detail),))
