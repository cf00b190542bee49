"""What one act or one deadline brings about: the incident after it, its calls, and what the log tells of it."""

from __future__ import annotations

from datetime import datetime
from typing import Generic, NamedTuple, TypeAlias

from service.rules.logged import EventFacts
from service.rules.model import AnyIncident, By, Call, Earlier, IncidentOf, Request
from service.rules.sentences import NO_WORDS, Sentence
from service.rules.words import EventType


class Event(NamedTuple):
    """One fact in the log. `at_state` is the incident as of this event, `call` the `seq` of the call concerned; `facts`
    are what else the log must tell without the tables, such as a code or a score. `note` and the person of `by` are its
    text, which lies beside the log."""

    type: EventType
    sequence: int
    at: datetime
    at_state: AnyIncident
    call: int
    by: By
    note: str | None = None
    facts: EventFacts | None = None


class DecisionOf(NamedTuple, Generic[Earlier]):
    """The consequences of one act or one deadline: saved whole, in one transaction, or not at all.

    `before` is None for a report. `changed` are the calls that existed before and are different now, oldest first;
    `request` is the one that was made, decided or resumed. `because` says in words why the next call goes where it
    goes, or why the clock closed the incident."""

    before: IncidentOf[Earlier] | None
    after: IncidentOf[Earlier]
    changed: tuple[Call, ...]
    opened: Call | None
    events: tuple[Event, ...]
    because: Sentence = NO_WORDS
    request: Request | None = None


Decision: TypeAlias = DecisionOf[tuple[Call, ...]]
DueDecision: TypeAlias = DecisionOf[None]
AnyDecision: TypeAlias = DecisionOf[tuple[Call, ...] | None]
