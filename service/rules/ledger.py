"""The calls told once more by the log alone, as a ledger is checked against its vouchers.

`calls_of` reads one incident's events and gives what `appraisal` counts of each of its calls. `cause`, `binding` and
`answer_by` are read from `sihu.call.opened` where it carries them, else derived from the event that opened the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from service.rules.appraisal import CallFacts
from service.rules.words import STREET_DIGITS, Cause, DueKind, Level, Outcome


class Told(NamedTuple):
    """One event of an incident as the log has it."""

    incident_id: UUID
    sequence: int
    type: str
    at: datetime
    data: Mapping[str, Any]


def calls_of(events: Iterable[Told]) -> list[CallFacts]:
    """The calls of one incident, from all its events in `sequence`."""
    ledger = _Ledger()
    for event in events:
        ledger.hear(event)
    return [entry.facts for entry in ledger.entries]


class _Entry(NamedTuple):
    """One call, and who called: whom a return goes back to."""

    facts: CallFacts
    from_unit: str | None


_OPENERS: Mapping[str, Cause] = {
    "incident.reported": Cause.REPORT,
    "call.raised": Cause.RAISED,
    "call.returned": Cause.RETURNED,
    "call.assigned": Cause.ASSIGNED,
    "incident.rejected": Cause.REJECTED,
    "incident.reopened": Cause.REOPENED,
}
"""The event right before a call is opened, and the cause it makes."""
_MOVERS = ("call.extended", "call.rescheduled", "incident.resumed")


class _Ledger:
    """Collects the calls of one incident, event by event."""

    def __init__(self) -> None:
        self.entries: list[_Entry] = []
        self._opener: Told | None = None
        self._unrouted = False
        self._rejects = 0

    def hear(self, event: Told) -> None:
        kind = event.type.removeprefix("sihu.")
        heard = _HEARD.get(kind)
        if heard is not None:
            heard(self, event)
        if kind in _OPENERS or kind == "call.missed":
            self._opener, self._unrouted = event, False
        if kind == "call.unrouted":
            self._unrouted = True

    # --- a call opens -----------------------------------------------------------------------------------------------

    def opened(self, event: Told) -> None:
        incident, told = event.data["incident"], event.data
        level, unit = incident["level"], incident["unit"]
        cause = told.get("cause") or self._cause(level, unit)
        facts = CallFacts(
            incident_id=event.incident_id,
            seq=told["call"],
            level=level,
            round=1 + sum(each.facts.level == level for each in self.entries),
            unit=unit,
            grid_code=incident["grid_code"],
            category=incident["category"],
            cause=cause,
            opened_at=event.at,
            answer_by=_moment(told.get("answer_by")) or _due(incident, DueKind.ANSWER),
            binding=told["binding"] if "binding" in told else self._binds(unit),
        )
        self.entries.append(_Entry(facts, self._from_unit(unit, cause)))

    def _cause(self, level: int, unit: str) -> str:
        if self._unrouted:
            return Cause.UNROUTED
        kind = self._kind
        if kind == "call.missed":
            return Cause(self.entries[-1].facts.outcome or Outcome.NO_ANSWER)
        if kind == "call.returned" and level == Level.LEADER and unit != self.entries[-1].from_unit:
            return Cause.ARBITRATION
        return _OPENERS[kind]

    @property
    def _kind(self) -> str:
        return self._opener.type.removeprefix("sihu.") if self._opener else "incident.reported"

    def _binds(self, unit: str) -> bool:
        """What a leader assigned binds; a call repeated binds as before; one given back as it did when it was given."""
        kind, opener = self._kind, self._opener
        if opener is None or not self.entries:
            return False
        before = self.entries[-1]
        if kind == "call.assigned":
            said = opener.data
            return bool(said["incident"]["level"] == Level.LEADER and said["by"].get("unit"))
        if kind in ("incident.rejected", "incident.reopened"):
            return unit == before.facts.unit and before.facts.binding
        origin = self._origin(unit) if kind == "call.returned" else None
        return origin is not None and origin.facts.binding

    def _origin(self, unit: str) -> _Entry | None:
        """The call that a return goes back to: the caller's last one before."""
        returned = self.entries[-1]
        if unit != returned.from_unit:
            return None
        return next((each for each in reversed(self.entries[:-1]) if each.facts.unit == unit), None)

    def _from_unit(self, unit: str, cause: str) -> str | None:
        """Contract §2, "Call numbers"."""
        if not self.entries or self._opener is None:
            return None
        before, kind, level = self.entries[-1], self._kind, self._opener.data["incident"]["level"]
        if kind == "call.assigned":
            by: str | None = self._opener.data["by"].get("unit")
            return by
        climbs = self._rejects > 1 and level != Level.LEADER
        if kind == "incident.reopened" or (kind == "incident.rejected" and not climbs):
            return before.from_unit
        if kind == "call.returned" and cause != Cause.ARBITRATION:
            origin = self._origin(unit)
            return origin.from_unit if origin else None
        return before.facts.unit

    # --- and goes on ------------------------------------------------------------------------------------------------

    def _change(self, seq: int, **fields: Any) -> None:
        entry = self.entries[seq - 1]
        self.entries[seq - 1] = entry._replace(facts=entry.facts._replace(**fields))

    def answered(self, event: Told) -> None:
        by = _due(event.data["incident"], DueKind.RESOLVE)
        self._change(event.data["call"], answered_at=event.at, resolve_by=by)

    def moved(self, event: Told) -> None:
        incident = event.data["incident"]
        for name, kind in (("answer_by", DueKind.ANSWER), ("resolve_by", DueKind.RESOLVE)):
            due_at = _due(incident, kind)
            if due_at is not None:
                self._change(event.data["call"], **{name: due_at})

    def ended(self, event: Told) -> None:
        self._end(event, _ENDS[event.type.removeprefix("sihu.")])

    def missed(self, event: Told) -> None:
        answered = self.entries[-1].facts.answered_at is not None
        self._end(event, Outcome.NOT_RESOLVED if answered else Outcome.NO_ANSWER)

    def closed(self, event: Told) -> None:
        if self.entries[-1].facts.outcome is None:
            self._end(event, Outcome.CLOSED)

    def _end(self, event: Told, outcome: Outcome) -> None:
        self._change(event.data["call"], outcome=outcome, ended_at=event.at)

    def rejected(self, event: Told) -> None:
        self._rejects += 1

    def reopened(self, event: Told) -> None:
        self._rejects = 0

    def rated(self, event: Told) -> None:
        street = event.data["incident"]["grid_code"][:STREET_DIGITS]
        by_street = event.data["by"].get("unit") == street
        self._change(event.data["call"], **{"rating" if by_street else "outcome_rating": event.data["score"]})

    def exempted(self, event: Told) -> None:
        self._change(event.data["call"], exempt=True)


_ENDS: Mapping[str, Outcome] = {
    "incident.resolved": Outcome.RESOLVED,
    "call.raised": Outcome.RAISED,
    "call.returned": Outcome.RETURNED,
    "call.assigned": Outcome.ASSIGNED,
}
_HEARD: Mapping[str, Callable[[_Ledger, Told], None]] = {
    "call.opened": _Ledger.opened,
    "call.answered": _Ledger.answered,
    "call.missed": _Ledger.missed,
    "call.exempted": _Ledger.exempted,
    "incident.closed": _Ledger.closed,
    "incident.rejected": _Ledger.rejected,
    "incident.reopened": _Ledger.reopened,
    "incident.rated": _Ledger.rated,
    **dict.fromkeys(_ENDS, _Ledger.ended),
    **dict.fromkeys(_MOVERS, _Ledger.moved),
}


def _due(incident: Mapping[str, Any], kind: DueKind) -> datetime | None:
    """The deadline as of an event, when it is of this kind."""
    return _moment(incident["due_at"]) if incident["due_kind"] == kind else None


def _moment(said: Any) -> datetime | None:
    """From a text in the log, or as the rules have it."""
    return datetime.fromisoformat(said) if isinstance(said, str) else said
