"""The calls of an incident, rebuilt from the log alone: a check of the stored calls, as a ledger is checked against its
vouchers.

`calls_of` reads one incident's events and gives the facts of each call that `definition` counts. No rule is applied
again: each event says what happened, and `sihu.call.opened` also the cause and whether the call is binding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from service.rules import ratings
from service.rules.figures.definition import CallFacts
from service.rules.words import STREET_DIGITS, ClosedAs, Credit, DueKind, EventType, Outcome


class LoggedEvent(NamedTuple):
    """One event of an incident as the log has it."""

    incident_id: UUID
    sequence: int
    type: str
    at: datetime
    data: Mapping[str, Any]


def calls_of(events: Iterable[LoggedEvent]) -> list[CallFacts]:
    """The calls of one incident, from all its events in `sequence`."""
    ledger = _Ledger()
    for event in events:
        ledger.take(event)
    return ledger.calls


class _Ledger:
    """Collects the calls of one incident, event by event."""

    def __init__(self) -> None:
        self.calls: list[CallFacts] = []
        self._stopped_at: datetime | None = None
        self._on_hold: timedelta | None = None
        self._scores: dict[int, tuple[int, ...]] = {}

    def take(self, event: LoggedEvent) -> None:
        """Add one event; most types say nothing of a call."""
        entry = _ENTRIES.get(event.type)
        if entry is not None:
            entry(self, event)

    def opened(self, event: LoggedEvent) -> None:
        incident, data = event.data["incident"], event.data
        facts = CallFacts(
            incident_id=event.incident_id,
            seq=data["call"],
            level=incident["level"],
            round=1 + sum(each.level == incident["level"] for each in self.calls),
            unit=incident["unit"],
            grid_code=incident["grid_code"],
            category=incident["category"],
            cause=data["cause"],
            opened_at=event.at,
            answer_by=_moment(data.get("answer_by")) or _due(incident, DueKind.ANSWER),
            binding=data.get("binding", False),
            self_reported=data.get("self_reported", False),
            own_report=data.get("own_report", False),
            accountable_seq=data["accountable"]["seq"] if "accountable" in data else None,
        )
        self.calls.append(facts)
        self._stopped_at, self._on_hold = None, None

    def held(self, event: LoggedEvent) -> None:
        self._stopped_at, self._on_hold = event.at, self._on_hold or timedelta()

    def resumed(self, event: LoggedEvent) -> None:
        self._go_on(event)
        self.moved(event)

    def _go_on(self, event: LoggedEvent) -> None:
        if self._stopped_at is not None:
            self._on_hold = (self._on_hold or timedelta()) + (event.at - self._stopped_at)
            self._stopped_at = None

    def _taken_us(self, event: LoggedEvent) -> int:
        return (event.at - self.calls[-1].opened_at - (self._on_hold or timedelta())) // timedelta(microseconds=1)

    def _change(self, seq: int, **fields: Any) -> None:
        self.calls[seq - 1] = self.calls[seq - 1]._replace(**fields)

    def answered(self, event: LoggedEvent) -> None:
        by = _due(event.data["incident"], DueKind.RESOLVE)
        self._change(event.data["call"], answered_at=event.at, resolve_by=by, answer_us=self._taken_us(event))
        if event.data.get("answered_by_member"):
            self._change(event.data["call"], answered_by_member=True)
        if "forgives" in event.data:
            self._change(event.data["forgives"], late_exit=False)

    def moved(self, event: LoggedEvent) -> None:
        incident = event.data["incident"]
        for name, kind in (("answer_by", DueKind.ANSWER), ("resolve_by", DueKind.RESOLVE)):
            due_at = _due(incident, kind)
            if due_at is not None:
                self._change(event.data["call"], **{name: due_at})

    def extended(self, event: LoggedEvent) -> None:
        self.moved(event)
        self._change(event.data["call"], extended=True)

    def ended(self, event: LoggedEvent) -> None:
        self._end(event, _ENDS[event.type], late_exit=event.data.get("late_exit", False))

    def resolved(self, event: LoggedEvent) -> None:
        self._end(event, Outcome.RESOLVED, credit=Credit.PENDING)
        self._change(event.data["call"], resolve_us=self._taken_us(event))

    def missed(self, event: LoggedEvent) -> None:
        answered = self.calls[-1].answered_at is not None
        self._end(event, Outcome.NOT_RESOLVED if answered else Outcome.NO_ANSWER)

    def closed(self, event: LoggedEvent) -> None:
        data = event.data
        if self.calls[-1].outcome is None:
            left = {name: data.get(name, False) for name in ("late_exit", "withdrawn_late")}
            self._end(event, Outcome.CLOSED, end_code=data.get("reason_code") or data["closed_as"], **left)
        elif data["closed_as"] in _VERIFIED:
            self._change(data["call"], credit=_VERIFIED[data["closed_as"]])

    def turned_down(self, event: LoggedEvent) -> None:
        last = self.calls[-1]  # the event names the call that it opens
        if last.credit is not None:
            self._change(last.seq, credit=_TURNED_DOWN[event.type])

    def checked(self, event: LoggedEvent) -> None:
        self._change(event.data["call"], credit=event.data["credit"])

    def _end(self, event: LoggedEvent, outcome: Outcome, **fields: Any) -> None:
        self._go_on(event)
        held_s = None if self._on_hold is None else self._on_hold // timedelta(seconds=1)
        self._change(event.data["call"], outcome=outcome, ended_at=event.at, held_s=held_s, **fields)

    def rated(self, event: LoggedEvent) -> None:
        street = event.data["incident"]["grid_code"][:STREET_DIGITS]
        seq, score = event.data["call"], event.data["score"]
        if event.data["by"].get("unit") == street:
            self._change(seq, rating=score)
            return
        self._scores[seq] = scores = (*self._scores.get(seq, ()), score)
        self._change(seq, outcome_rating=ratings.rounded(scores), outcome_mean=ratings.mean(scores))

    def corrected(self, event: LoggedEvent) -> None:
        if "box_used" in event.data:  # another unit is called
            self._end(event, Outcome.CORRECTED, late_exit=event.data.get("late_exit", False))
        else:
            self.moved(event)

    def exempted(self, event: LoggedEvent) -> None:
        self._change(event.data["call"], exempt=True)


_ENDS: Mapping[str, Outcome] = {
    EventType.CALL_RAISED: Outcome.RAISED,
    EventType.CALL_RETURNED: Outcome.RETURNED,
    EventType.CALL_ASSIGNED: Outcome.ASSIGNED,
}
_VERIFIED = {ClosedAs.VERIFIED: Credit.VERIFIED, ClosedAs.UNVERIFIED: Credit.UNVERIFIED}
_TURNED_DOWN: Mapping[str, Credit] = {
    EventType.INCIDENT_REJECTED: Credit.REJECTED,
    EventType.INCIDENT_REOPENED: Credit.REOPENED,
}
_ENTRIES: Mapping[str, Callable[[_Ledger, LoggedEvent], None]] = {
    EventType.CALL_OPENED: _Ledger.opened,
    EventType.CALL_ANSWERED: _Ledger.answered,
    EventType.CALL_MISSED: _Ledger.missed,
    EventType.CALL_EXEMPTED: _Ledger.exempted,
    EventType.INCIDENT_HELD: _Ledger.held,
    EventType.INCIDENT_RESUMED: _Ledger.resumed,
    EventType.INCIDENT_RESOLVED: _Ledger.resolved,
    EventType.INCIDENT_CLOSED: _Ledger.closed,
    EventType.INCIDENT_RATED: _Ledger.rated,
    EventType.INCIDENT_CORRECTED: _Ledger.corrected,
    EventType.INCIDENT_CHECKED: _Ledger.checked,
    **dict.fromkeys(_ENDS, _Ledger.ended),
    **dict.fromkeys(_TURNED_DOWN, _Ledger.turned_down),
    EventType.CALL_RESCHEDULED: _Ledger.moved,
    EventType.CALL_EXTENDED: _Ledger.extended,
}


def _due(incident: Mapping[str, Any], kind: DueKind) -> datetime | None:
    """The deadline of the incident when an event happened; None when it was of another kind."""
    return _moment(incident["due_at"]) if incident["due_kind"] == kind else None


def _moment(value: Any) -> datetime | None:
    """The moment that a value of an event names: a text in the log, a datetime before it was written."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
