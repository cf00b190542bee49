"""A month of one community, as a group of units spends it: the reports, the real work and everybody outside the group
are the same, however the group acts.

Nobody outside the group knows more than a person would: a reporter that looks at a resolution sees whether the work is
done, a department helps or is never heard of, a leader always helps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple
from uuid import UUID

from service.rules import lifecycle
from service.rules.acts import Act, Correction, Draft
from service.rules.errors import SihuError, ValidationFailed
from service.rules.figures.definition import Period
from service.rules.model import Actor, Incident
from service.rules.sentences import Sentence
from service.rules.words import RUNNING_STATES, Arrow, Ground, Level, Role, State
from tests.rules import deciding
from tests.rules.builders import (
    CELL,
    COMMITTEE,
    COMMUNITY,
    FIRM,
    PEOPLE,
    POLICIES,
    STATION,
    STREET,
    WORLD,
    a_unit,
    an_act,
)

MONTH = Period(2026, 12)
GROUP = (COMMUNITY, STREET, COMMITTEE, STATION, FIRM)
POLICY = POLICIES[0]
_LATE = POLICY.fair_play.late / 100


@dataclass(frozen=True)
class Matter:
    """One report, and what is true of it whoever handles it: when the group would have done the work (None: never), in
    minutes after the report; and how many minutes after a resolution its reporter looks at it (None: it never does)."""

    reported_m: int
    category: str
    done_m: int | None
    looks_m: int | None

    @property
    def reported_at(self) -> datetime:
        return MONTH.start + timedelta(minutes=self.reported_m)

    @property
    def done_at(self) -> datetime | None:
        return None if self.done_m is None else self.reported_at + timedelta(minutes=self.done_m)


class Step(NamedTuple):
    """What somebody does next to an incident if nothing happens before."""

    at: datetime
    actor: Actor
    act: Act


class Move(NamedTuple):
    """An act of the group: `at` so much of the running box (None: when the work is done), `by` a unit (None: whichever
    may). Only some acts look at the rest."""

    arrow: Arrow
    at: float | None = 0.0
    by: str | None = None
    to: str = COMMITTEE
    into: int = 0
    ground: Ground = Ground.OTHER
    correction: Correction = Correction()


class Script(NamedTuple):
    """The moves of the group with one incident, one after the other, and whether it is honest with it afterwards."""

    moves: tuple[Move, ...] = ()
    is_honest_then: bool = True


HONEST = Script()


class Month:
    """The month of a group that follows its scripts. `helps`: the departments answer."""

    def __init__(self, matters: Sequence[Matter], scripts: Sequence[Script], *, helps: bool) -> None:
        self.now = MONTH.start
        self.matters = matters
        self.helps = helps
        self.incidents: dict[int, Incident] = {}
        self.done_at = [each.done_at for each in matters]
        self.scripts = [list(each.moves) for each in scripts]
        self.is_honest_then = [each.is_honest_then for each in scripts]
        self.log: list[str] = []
        self._refused: set[tuple[int, int, str, Arrow]] = set()

    def live(self) -> None:
        """Until nothing happens any more, or two months later: what was opened in the month is settled then."""
        until = MONTH.end + timedelta(days=60)
        while (following := min(self._next(), key=lambda each: each[0], default=None)) is not None:
            at, happen = following
            if at > until:
                return
            self.now = max(self.now, at)
            happen()

    def _next(self) -> Iterable[tuple[datetime, Callable[[], None]]]:
        for n, matter in enumerate(self.matters):
            if n not in self.incidents:
                yield matter.reported_at, partial(self._report, n)
                continue
            incident = self.incidents[n]
            for step in (*self._outside(n, incident), *self._group(n, incident)):
                if (n, incident.sequence, step.actor.subject, step.act.arrow) not in self._refused:
                    yield max(self.now, step.at), partial(self._do, n, step)
            if incident.wake_at is not None:
                yield max(self.now, incident.wake_at), partial(self._tick, n)

    def _report(self, n: int) -> None:
        matter, by = self.matters[n], reporter(n)
        draft = Draft(CELL, matter.category, by.subject)
        made = lifecycle.report(draft, by, WORLD, incident_id=UUID(int=n + 1), number=str(n), now=self.now)
        self.incidents[n] = made.after

    def _tick(self, n: int) -> None:
        decision = lifecycle.tick(self.incidents[n], WORLD, self.now)
        assert decision is not None
        self.incidents[n] = decision.after
        self._tell(n, "clock", decision.events[0].type)

    def _do(self, n: int, step: Step) -> None:
        before = self.incidents[n]
        if step.actor.unit in GROUP and self.scripts[n]:
            self.incidents |= self._decided(n, self.scripts[n].pop(0), step._replace(at=self.now))
            self._tell(n, step.actor.subject, step.act.arrow)
            return
        try:
            self.incidents[n] = deciding.decide(before, step.act, step.actor, WORLD, self.now).after
        except SihuError:
            self._refused.add((n, before.sequence, step.actor.subject, step.act.arrow))
            return
        self._tell(n, step.actor.subject, step.act.arrow)
        if step.act.arrow is Arrow.RESOLVE and step.actor.unit not in GROUP:
            for m in range(len(self.matters)):
                if self._follows(m, before):
                    self.done_at[m] = min(self.done_at[m] or self.now, self.now)

    def _tell(self, n: int, who: str, what: str) -> None:
        call = self.incidents[n].call
        hours = (self.now - MONTH.start).total_seconds() / 3600
        self.log.append(f"{hours:8.2f}h #{n} {who} {what} -> {self.incidents[n].state} {call.unit} {call.credit}")

    # --- everybody outside the group ----------------------------------------------------------------------------------

    def _outside(self, n: int, incident: Incident) -> Iterable[Step]:
        for m, matter in enumerate(self.matters):
            if matter.looks_m is not None and m in self.incidents and self._follows(m, incident):
                yield from self._looks(m, matter.looks_m, incident)
        if incident.unit in GROUP or not (self.helps or incident.level is Level.LEADER):
            return
        if incident.state in (State.CALLING, State.ANSWERED):
            verb = Arrow.ANSWER if incident.state is State.CALLING else Arrow.RESOLVE
            yield Step(_used(incident, 0.3), a_unit(incident.unit), an_act(verb, incident))

    def _follows(self, m: int, incident: Incident) -> bool:
        by = reporter(m).subject
        return by == incident.reporter or f"@{by}" in incident.audience

    def _looks(self, m: int, looks_m: int, incident: Incident) -> Iterable[Step]:
        """A reporter looks at what is resolved, and at what was closed meanwhile."""
        ended_at = incident.call.ended_at
        if ended_at is None or incident.state not in (State.RESOLVED, State.CLOSED):
            return
        at = max(ended_at + timedelta(minutes=looks_m), incident.updated_at, self.now)
        is_done = self.is_done(m, at)
        if incident.state is State.RESOLVED:
            yield Step(at, reporter(m), Act(Arrow.ACCEPT if is_done else Arrow.REJECT, "I looked"))
        elif not is_done and incident.reopen_until is not None:
            yield Step(at, reporter(m), Act(Arrow.REOPEN, "I looked"))

    def is_done(self, n: int, at: datetime) -> bool:
        done_at = self.done_at[n]
        return done_at is not None and done_at <= at

    # --- the group ----------------------------------------------------------------------------------------------------

    def _group(self, n: int, incident: Incident) -> Iterable[Step]:
        """The next move of the script; what cannot be done as things stand is left out, or waits for others to act."""
        is_ours = incident.unit in GROUP and incident.state in RUNNING_STATES
        while self.scripts[n]:
            step = self._possible(n, incident, self.scripts[n][0])
            if step is not None or not is_ours:
                return () if step is None else (step,)
            self.scripts[n].pop(0)
        return self._honest(n, incident) if self.is_honest_then[n] else ()

    def _possible(self, n: int, incident: Incident, move: Move) -> Step | None:
        """The move as an act of whoever of the group may do it; None: nobody may."""
        done_at = self.done_at[n]
        at = max(self.now, (done_at or self.now) if move.at is None else _used(incident, move.at))
        act = _act(move, incident)
        for unit in dict.fromkeys((incident.unit, *GROUP)) if move.by is None else (move.by,):
            if unit not in GROUP:
                continue
            step = Step(at, PEOPLE["firm"] if unit == FIRM else a_unit(unit), act)
            try:
                self._decided(n, move, step)
            except SihuError:
                continue
            return step
        return None

    def _decided(self, n: int, move: Move, step: Step) -> dict[int, Incident]:
        """The incidents that a move changes, as they are after it. Raises `SihuError` when it is refused."""
        incident, other = self.incidents[n], self.incidents.get(move.into)
        if move.arrow is not Arrow.MERGE:
            return {n: deciding.decide(incident, step.act, step.actor, WORLD, step.at).after}
        if other is None:
            raise ValidationFailed(Sentence("It is not reported yet."))
        closed, heard = deciding.merge(incident, other, replace(step.act, into=other.id), step.actor, WORLD, step.at)
        return {n: closed.after, move.into: heard.after}

    def _honest(self, n: int, incident: Incident) -> Iterable[Step]:
        """Answer in time; resolve when it is done, if that is before the late mark, and raise it otherwise. The street
        confirms what units below it have really done, where the reporter lets half of its time pass."""
        if incident.unit not in GROUP:
            return
        by, done_at = a_unit(incident.unit), self.done_at[n]
        if incident.state is State.CALLING:
            yield Step(_used(incident, 0.1), by, an_act(Arrow.ANSWER, incident))
        elif incident.state is State.ANSWERED:
            mark = _used(incident, _LATE)
            if done_at is not None and done_at <= mark:
                yield Step(done_at, by, an_act(Arrow.RESOLVE, incident))
            else:
                yield Step(mark, by, an_act(Arrow.RAISE, incident))
        elif (
            incident.state is State.RESOLVED
            and incident.unit != STREET
            and self.is_done(n, half := _used(incident, 0.5))
        ):
            yield Step(half, a_unit(STREET), Act(Arrow.ACCEPT, "it is so"))


def reporter(n: int) -> Actor:
    return Actor(Role.REPORTER, f"worker-{n}", area=STREET)


def _act(move: Move, incident: Incident) -> Act:
    act = an_act(move.arrow, incident)
    if move.arrow in (Arrow.ASSIGN, Arrow.ASSIST):
        return replace(act, units=(move.to,))
    if move.arrow is Arrow.RAISE:
        return replace(act, ground=move.ground)
    return replace(act, correction=move.correction) if move.arrow is Arrow.CORRECT else act


def _used(incident: Incident, share: float) -> datetime:
    """The instant at which so much of what runs has passed; for what is closed, at once."""
    call = incident.call
    start = call.ended_at or call.answered_at or call.opened_at
    return incident.updated_at if incident.due_at is None else start + share * (incident.due_at - start)
