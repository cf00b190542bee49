"""A few thousand incidents, lived at random by everybody and the clock, and saved page by page as the service does."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert

from service.rules import lifecycle
from service.rules.acts import Act, Correction, Draft
from service.rules.decisions import Decision
from service.rules.errors import Conflict, Invalid, SihuError
from service.rules.model import Actor, Incident
from service.rules.words import Arrow, Kind, Level, Role, State, Urgency
from service.store.database import Database
from service.store.incidents import saving
from service.store.registry.tables import category
from tests.rules import deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    CATEGORY,
    CELL,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NEXT_CELL,
    NEXT_COMMUNITY,
    NOBODYS_CATEGORY,
    NOW,
    PEOPLE,
    SEEDS,
    SPECIAL,
    STREET,
    STREET_LEADER,
    URGENT_CATEGORY,
    a_unit,
    a_world,
    an_act,
    plain_days,
)

WORLDS = (
    a_world(),
    a_world(),
    a_world(version=2, policy=2),
    a_world(version=3, policy=3),
    a_world(version=4, without=(COMMUNITY,)),
    a_world(version=5, without=(DEPARTMENT, LEADER, STREET_LEADER), policy=2),
    a_world(version=6, without=(STREET,), policy=3),
    a_world(version=7, policy=3, days=plain_days(*(date(2026, 11, n) for n in range(24, 28)))),
    a_world(version=8, policy=3, days=plain_days(date(2026, 11, 30), date(2026, 12, 2))),
)
"""The last two know other days off: a deadline in working time is put right when the clock next looks at it."""
_BY_STATE = {
    State.CALLING: (
        *(Arrow.ANSWER, Arrow.RESOLVE, Arrow.RAISE, Arrow.RAISE, Arrow.RETURN, Arrow.RETURN, Arrow.ASSIGN),
        *(Arrow.ASSIGN, Arrow.HOLD, Arrow.EXTEND, Arrow.APPROVE, Arrow.APPEAL, Arrow.APPROVE_APPEAL, Arrow.RATE),
        Arrow.CORRECT,
    ),
    State.ANSWERED: (
        *(Arrow.RESOLVE, Arrow.RAISE, Arrow.ASSIGN, Arrow.HOLD, Arrow.EXTEND, Arrow.APPROVE, Arrow.REFUSE),
        *(Arrow.RATE, Arrow.APPEAL, Arrow.CORRECT),
    ),
    State.ON_HOLD: (Arrow.RESUME, Arrow.RATE, Arrow.REFUSE_APPEAL, Arrow.APPROVE_APPEAL),
    State.RESOLVED: (
        *(Arrow.ACCEPT, Arrow.REJECT, Arrow.REJECT, Arrow.RATE, Arrow.APPEAL, Arrow.APPROVE_APPEAL),
        *[Arrow.COMMENT] * 12,  # so that some wait until nobody verifies them any more
    ),
    State.CLOSED: (
        *(Arrow.ACCEPT, Arrow.REJECT, Arrow.REOPEN, Arrow.REOPEN, Arrow.RATE),
        *(Arrow.APPEAL, Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL),
    ),
}
_RARE = (Arrow.WITHDRAW, Arrow.VOID, Arrow.COMMENT, Arrow.URGE, Arrow.ASSIST, Arrow.FLOOD)
_TARGETS = (COMMUNITY, NEXT_COMMUNITY, COMMITTEE, STREET, DEPARTMENT, SPECIAL)
_CATEGORIES = (CATEGORY, URGENT_CATEGORY, ADMITTED_CATEGORY, ADMITTED_CATEGORY, NOBODYS_CATEGORY)
_KINDS = (*[Kind.INCIDENT] * 8, Kind.SUGGESTION, Kind.DELIBERATION)


class Life:
    """All incidents as they stand. `steps` counts decisions that were made and saved."""

    def __init__(self, seed: int, many: int) -> None:
        self.chance = random.Random(seed)
        self.many = many
        self.time = NOW
        self.world = WORLDS[0]
        self.now: dict[UUID, Incident] = {}
        self.steps = 0

    async def page(self, database: Database, size: int) -> None:
        """One step of each of `size` incidents, in one transaction."""
        self.time += timedelta(seconds=self.chance.randrange(1, 9 * 3600))
        if self.chance.random() < 0.4:
            self.world = self.chance.choice(WORLDS)
        decisions = {}
        for number in self.chance.sample(range(1, self.many + 1), size):
            incident = self.now.get(UUID(int=number))
            decision = self._step(incident, number)
            if decision is not None:
                decisions[decision.after.id] = decision
        self._merged(decisions)
        async with database.begin() as tx:
            await saving.save(tx, list(decisions.values()))
        self.now |= {each: decision.after for each, decision in decisions.items()}
        self.steps += len(decisions)

    def _step(self, incident: Incident | None, number: int) -> Decision | None:
        at = self.time + timedelta(microseconds=self.chance.randrange(10**6))
        if incident is None:
            return self._report(number, at)
        if incident.wake_at is not None and incident.wake_at <= at and self.chance.random() < 0.6:
            return lifecycle.tick(incident, self.world, at, SEEDS)
        for _ in range(8):
            decision = self._try(incident, at)
            if decision is not None:
                return decision
        return None

    def _report(self, number: int, at: datetime) -> Decision:
        reporter = PEOPLE["street_reporting" if self.chance.random() < 0.1 else "reporter"]
        draft = Draft(
            self.chance.choice((CELL, CELL, NEXT_CELL)),
            self.chance.choice(_CATEGORIES),
            reporter.subject,
            self.chance.choice(_KINDS),
        )
        name = f"2026-{number:06}"
        return lifecycle.report(draft, reporter, self.world, incident_id=UUID(int=number), number=name, now=at)

    def _try(self, incident: Incident, at: datetime) -> Decision | None:
        arrow = self.chance.choice(_RARE if self.chance.random() < 0.03 else _BY_STATE[incident.state])
        actor = self._actor(incident, arrow)
        try:
            return deciding.decide(incident, self._act(incident, arrow, actor), actor, self.world, at)
        except SihuError:
            return None

    def _actor(self, incident: Incident, arrow: Arrow) -> Actor:
        if arrow is Arrow.ANSWER and self.chance.random() < 0.1:
            return PEOPLE["firm"]
        if arrow is Arrow.APPEAL:
            return a_unit(self.chance.choice((*incident.earlier, incident.call)).unit)
        if arrow in (Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL):
            return self.chance.choice((PEOPLE["ops"], PEOPLE["street"]))
        if incident.drawn and arrow in (Arrow.ACCEPT, Arrow.REJECT):
            return PEOPLE["ops"]
        if arrow in (Arrow.ACCEPT, Arrow.REJECT, Arrow.REOPEN, Arrow.RATE, Arrow.WITHDRAW, Arrow.URGE):
            return self.chance.choice((PEOPLE["reporter"], PEOPLE["street"], PEOPLE["street_reporting"]))
        if arrow in (Arrow.CORRECT, Arrow.FLOOD):
            return PEOPLE["ops"] if arrow is Arrow.FLOOD else self.chance.choice((PEOPLE["ops"], PEOPLE["street"]))
        if arrow in (Arrow.APPROVE, Arrow.REFUSE):
            return a_unit(self.chance.choice((incident.call.from_unit or STREET, STREET)))
        return PEOPLE["ops"] if arrow is Arrow.ASSIGN and self.chance.random() < 0.1 else a_unit(incident.unit)

    def _act(self, incident: Incident, arrow: Arrow, actor: Actor) -> Act:
        act = an_act(arrow, incident)
        if arrow is Arrow.ASSIGN:
            unit = self.chance.choice(_TARGETS)
            return replace(act, units=(unit,))
        if arrow is Arrow.CORRECT:
            place, category = self.chance.choice((CELL, NEXT_CELL)), self.chance.choice(_CATEGORIES)
            return replace(act, correction=Correction(category, place, self.chance.choice([*Urgency, None])))
        if arrow is Arrow.HOLD:
            return replace(act, until=self.time + timedelta(hours=self.chance.randrange(1, 60)))
        if arrow is Arrow.RATE:
            departments = [each.seq for each in incident.earlier if each.level is Level.DEPARTMENT]
            named = bool(departments) and actor.role is Role.UNIT and self.chance.random() < 0.5
            seq = self.chance.choice(departments) if named else None
            return replace(act, score=self.chance.randint(1, 5), call=seq)
        return act

    def _merged(self, decisions: dict[UUID, Decision]) -> None:
        """Now and then one that rested is merged into another."""
        resting = [each for each in self.now.values() if each.id not in decisions and each.is_open]
        if len(resting) < 2 or self.chance.random() < 0.5:
            return
        incident, target = self.chance.sample(resting, 2)
        act = replace(an_act(Arrow.MERGE), into=target.id)
        try:
            both = deciding.merge(incident, target, act, PEOPLE["ops"], self.world, self.time)
        except (Conflict, Invalid):  # the one has climbed higher, or no box of the other runs
            return
        for decision in both:
            decisions[decision.after.id] = decision


async def store_categories(database: Database) -> None:
    """The categories of the rules' little world: the lines of the figures come from the registry."""
    rows = [
        {
            "code": each.code,
            "valid_from": each.validity.valid_from,
            "valid_to": each.validity.valid_to,
            "name": each.name,
            "line": each.line,
            "urgency": each.urgency,
            "parent": each.parent,
        }
        for some in WORLDS[0].categories.values()
        for each in some
    ]
    async with database.begin() as tx:
        await tx.execute(insert(category), rows)
