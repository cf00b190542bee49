"""A small, complete world, everybody who may turn up in it, and incidents in any state made by the rules themselves.

district 440105 (fallback)      leader-a: dept-a, dept-c · leader-b: dept-b · leader-s: street 1
├── street 1 …001               community …001001 (cell …001001001), community …001002 (cell …001002001)
│   ├── committee-1, station-1 (its line is dept-a's)       firm-1, a partner of community …001001
└── street 2 …002               community …002001 (cell …002001001); no leader is in charge of it
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from service.rules import lifecycle
from service.rules import world as worlds
from service.rules.acts import Act, Correction, Draft
from service.rules.decisions import AnyDecision, Decision
from service.rules.figures.definition import Period
from service.rules.model import Actor, DueIncident, Incident, IncidentOf
from service.rules.policy import Activation, Box, FairPlay, Hours, Policy
from service.rules.spot_checks import Seeds
from service.rules.words import Arrow, ClockKind, ClosedAs, Ground, Level, Role, State, UnitKind, Urgency
from service.rules.worktime import WorkCalendar
from service.rules.world import Category, Cell, Duty, Line, Unit, Validity, World
from tests.rules import deciding

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ALWAYS = Validity(datetime(2000, 1, 1, tzinfo=UTC))
ENDED = Validity(ALWAYS.valid_from, NOW)
"""In force until `NOW`, and no longer then."""
DISTRICT, STREET, OTHER_STREET = "440105", "440105001", "440105002"
COMMUNITY, NEXT_COMMUNITY, OTHER_COMMUNITY = "440105001001", "440105001002", "440105002001"
CELL, NEXT_CELL, OTHER_CELL = "440105001001001", "440105001002001", "440105002001001"
DEPARTMENT, SPECIAL, NEVER = "dept-a", "dept-b", "dept-c"
LEADER, SPECIAL_LEADER, STREET_LEADER = "leader-a", "leader-b", "leader-s"
COMMITTEE, STATION, FIRM = "committee-1", "station-1", "firm-1"
CATEGORY, URGENT_CATEGORY, NOBODYS_CATEGORY = "u-0101", "u-0201", "x"
ADMITTED_CATEGORY = "u-0102"
"""Admitted for street 1, which assists in it."""
HOUR = 3600


def _unit(
    code: str, kind: UnitKind, level: Level | None, in_charge_of: tuple[str, ...] = (), parent: str = DISTRICT
) -> Unit:
    line_parent = DEPARTMENT if kind is UnitKind.STATION else None
    return Unit(code, f"the {kind} {code}", kind, level, ALWAYS, parent, line_parent, in_charge_of=in_charge_of)


UNITS: Mapping[str, Unit] = {
    unit.code: unit
    for unit in (
        _unit(DISTRICT, UnitKind.DISTRICT, Level.LEADER),
        _unit(STREET, UnitKind.STREET, Level.STREET),
        _unit(OTHER_STREET, UnitKind.STREET, Level.STREET),
        _unit(COMMUNITY, UnitKind.COMMUNITY, Level.COMMUNITY, parent=STREET),
        _unit(NEXT_COMMUNITY, UnitKind.COMMUNITY, Level.COMMUNITY, parent=STREET),
        _unit(OTHER_COMMUNITY, UnitKind.COMMUNITY, Level.COMMUNITY, parent=OTHER_STREET),
        _unit(DEPARTMENT, UnitKind.DEPARTMENT, Level.DEPARTMENT),
        _unit(SPECIAL, UnitKind.DEPARTMENT, Level.DEPARTMENT),
        _unit(NEVER, UnitKind.DEPARTMENT, Level.DEPARTMENT),
        _unit(LEADER, UnitKind.LEADER, Level.LEADER, (DEPARTMENT, NEVER)),
        _unit(SPECIAL_LEADER, UnitKind.LEADER, Level.LEADER, (SPECIAL,)),
        _unit(STREET_LEADER, UnitKind.LEADER, Level.LEADER, (STREET,)),
        _unit(COMMITTEE, UnitKind.COMMITTEE, Level.STREET, parent=STREET),
        _unit(STATION, UnitKind.STATION, Level.STREET, parent=STREET),
        _unit(FIRM, UnitKind.PARTNER, None, parent=COMMUNITY),
    )
}
DUTIES = (
    Duty("1", "all of u", "u", DISTRICT, DEPARTMENT, ALWAYS),
    Duty("2", "u-02 in the district", "u-02", DISTRICT, SPECIAL, ALWAYS),
    Duty("3", "u-02 in street 1", "u-02", STREET, DEPARTMENT, ALWAYS),
    Duty("5", "u-0102 in street 1", ADMITTED_CATEGORY, STREET, DEPARTMENT, ALWAYS, (STREET,)),
    Duty("4", "u-0202 in the next community", "u-0202", NEXT_COMMUNITY, SPECIAL, ALWAYS),
)
BOXES = {
    (level, urgency): (Box(level * HOUR // haste, level * 10 * HOUR // haste, ClockKind.CONTINUOUS),)
    for level in Level
    for urgency, haste in ((Urgency.NORMAL, 1), (Urgency.URGENT, 4))
}
"""Level 1: an hour to answer, ten to resolve; level 2: two and twenty …; urgent: a quarter of it."""
OTHER_BOXES = {key: (Box(7 * box.answer_s, 7 * box.resolve_s, box.clock),) for key, (box,) in BOXES.items()}
OFFICE = Hours("c", ((8 * 60, 12 * 60), (14 * 60, 18 * 60)))
WORKING_BOXES = {
    key: (
        replace(box, clock=ClockKind.WORKING, answer_s=box.answer_s // 2, category="u-02"),
        replace(box, clock=ClockKind.WORKING),
    )
    for key, (box,) in BOXES.items()
}
"""The same in working hours; categories from u-02 have half the time to answer."""
POLICIES = (
    Policy("p", 1, BOXES, 72 * HOUR, 168 * HOUR, fair_play=FairPlay(spot_check=100)),
    Policy(
        *("p", 2, OTHER_BOXES, 5 * HOUR, 9 * HOUR),
        warn=(25, 50, 80),
        holds=2,
        hold_s=60 * 24 * HOUR,
        returns=1,
        fair_play=FairPlay(spot_check=50),
    ),
    Policy(
        *("p", 3, WORKING_BOXES, 72 * HOUR, 168 * HOUR, OFFICE, (50, 80)),
        holds=2,
        returns=0,
        fair_play=FairPlay(spot_check=0),
    ),
)


class EverySeed(dict[Period, bytes]):
    """A seed for any month, always the same."""

    def __missing__(self, period: Period) -> bytes:
        return hashlib.sha256(str(period).encode()).digest()


SEEDS = EverySeed()


def plain_days(*off: date) -> dict[date, bool]:
    """2026, Monday to Friday, with some more days off; of 2027 nothing is known."""
    days = (date(2026, 1, 1) + timedelta(days=n) for n in range(365))
    return {day: day.weekday() < 5 and day not in off for day in days}


DAYS = plain_days()


def a_world(
    *,
    without: tuple[str, ...] = (),
    units: tuple[Unit, ...] = (),
    duties: tuple[Duty, ...] = DUTIES,
    version: int = 1,
    policy: int = 1,
    days: Mapping[date, bool] = DAYS,
) -> World:
    """The world, with some units out of force from `NOW` on (they stay known, as in the registry), and others added."""
    known = [replace(unit, validity=ENDED) if unit.code in without else unit for unit in UNITS.values()]
    categories = [
        Category("u", "U", "urban", Urgency.NORMAL, ALWAYS),
        Category(CATEGORY, "U 01 01", "urban", Urgency.NORMAL, ALWAYS, "u"),
        Category(ADMITTED_CATEGORY, "U 01 02", "urban", Urgency.NORMAL, ALWAYS, "u"),
        Category(URGENT_CATEGORY, "U 02 01", "urban", Urgency.URGENT, ALWAYS, "u"),
        Category("u-0202", "U 02 02", "urban", Urgency.NORMAL, ALWAYS, "u"),
        Category(NOBODYS_CATEGORY, "nobody's", "urban", Urgency.NORMAL, ALWAYS),
        Category("old", "no longer used", "urban", Urgency.NORMAL, ENDED),
    ]
    return worlds.build(
        version,
        units=[*known, *units],
        cells=[
            Cell(CELL, "Cell", COMMUNITY, ALWAYS),
            Cell(NEXT_CELL, "Next cell", NEXT_COMMUNITY, ALWAYS),
            Cell(OTHER_CELL, "Cell of street 2", OTHER_COMMUNITY, ALWAYS),
            Cell("440105001001009", "Old cell", COMMUNITY, ENDED),
        ],
        categories=categories,
        lines=[Line("urban", "Urban")],
        duties=duties,
        policies=POLICIES,
        activations=[Activation(ALWAYS.valid_from, "p", policy)],
        calendars={OFFICE: WorkCalendar(OFFICE.spans, days)},
    )


WORLD = a_world()


def a_unit(code: str, subject: str | None = None) -> Actor:
    return Actor(Role.UNIT, subject or code, unit=code)


def approver(incident: Incident) -> Actor:
    """Whoever decides the last request."""
    unit = incident.requests[-1].approver
    return PEOPLE["ops"] if unit is None else a_unit(unit)


REPORTER = Actor(Role.REPORTER, "worker", area=STREET)
PEOPLE: Mapping[str, Actor] = {
    "reporter": REPORTER,
    "reporter_moved": Actor(Role.REPORTER, "worker", area=OTHER_STREET),  # its own, outside its area of today
    "colleague": Actor(Role.REPORTER, "colleague", area=STREET),
    "elsewhere": Actor(Role.REPORTER, "elsewhere", area=OTHER_STREET),
    "community": a_unit(COMMUNITY),
    "street": a_unit(STREET),
    "department": a_unit(DEPARTMENT),
    "leader": a_unit(LEADER),
    "next_community": a_unit(NEXT_COMMUNITY),
    "other_street": a_unit(OTHER_STREET),
    "special": a_unit(SPECIAL),
    "committee": a_unit(COMMITTEE),
    "firm": Actor(Role.UNIT, FIRM, unit=FIRM, member_of=COMMUNITY, answers_for=("u",)),
    "community_reporting": a_unit(COMMUNITY, subject=REPORTER.subject),
    "street_reporting": a_unit(STREET, subject=REPORTER.subject),
    "auditor": Actor(Role.AUDITOR, "auditor"),
    "ops": Actor(Role.OPS, "ops"),
    "ops_reporting": Actor(Role.OPS, REPORTER.subject),
}
UNIT_AT = {Level.COMMUNITY: "community", Level.STREET: "street", Level.DEPARTMENT: "department", Level.LEADER: "leader"}
"""Who is called at each level, one after the other, by name in `PEOPLE`."""


def an_act(arrow: Arrow, incident: Incident | None = None) -> Act:
    """An act as a person would send it: a hold of thirty days, a minute more for `incident`, its open request."""
    ground = Ground.BEYOND_POWERS if arrow is Arrow.RAISE else None
    answer = {"measure": "go and look"} if arrow is Arrow.ANSWER else None
    until = later(days=30) if arrow is Arrow.HOLD else None
    if arrow is Arrow.EXTEND and incident is not None and incident.due_at is not None:
        until = incident.due_at + timedelta(minutes=1)
    number = len(incident.requests) if incident and arrow in (Arrow.APPROVE, Arrow.REFUSE) else None
    code = "other" if arrow in (Arrow.RETURN, Arrow.VOID) else None
    into = UUID(int=99) if arrow is Arrow.MERGE else None
    return Act(
        arrow,
        "because",
        ground=ground,
        answer=answer,
        until=until,
        request=number,
        code=code,
        units=_named(arrow, incident),
        call=_meant(arrow, incident),
        score=4 if arrow is Arrow.RATE else None,
        into=into,
        correction=_corrected(incident) if arrow is Arrow.CORRECT else Correction(),
    )


def _corrected(incident: Incident | None) -> Correction:
    """The other urgency."""
    is_urgent = incident is not None and incident.urgency is Urgency.URGENT
    return Correction(urgency=Urgency.NORMAL if is_urgent else Urgency.URGENT)


ASSIGNED_AT: Mapping[Level, str] = {
    Level.COMMUNITY: NEXT_COMMUNITY,
    Level.STREET: COMMITTEE,
    Level.DEPARTMENT: SPECIAL,
    Level.LEADER: DEPARTMENT,
}
"""To whom `an_act` assigns a call, by its level."""


def _named(arrow: Arrow, incident: Incident | None) -> tuple[str, ...]:
    """Units an act names: whom it may be assigned to, and who may assist, though it has nothing to do with it: a
    department, or below its level a partner."""
    if arrow is Arrow.ASSIGN and incident is not None:
        target = ASSIGNED_AT[incident.level]
        return (COMMUNITY if target == incident.unit and incident.level is Level.COMMUNITY else target,)
    if arrow is Arrow.ASSIST and incident is not None and incident.level < Level.DEPARTMENT:
        return (FIRM,)
    return (NEVER,) if arrow in (Arrow.ASSIGN, Arrow.ASSIST) else ()


def _meant(arrow: Arrow, incident: Incident | None) -> int | None:
    """The call an act is about: the first that was missed or left late, or the first whose appeal waits."""
    if incident is None or arrow not in (Arrow.APPEAL, Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL):
        return None
    calls = (*incident.earlier, incident.call)
    if arrow is Arrow.APPEAL:
        fit = [each for each in calls if (each.late_s is not None or each.late_exit) and each.appeal is None]
    else:
        fit = [each for each in calls if each.appeal is not None and each.appeal.outcome is None]
    return fit[0].seq if fit else 1


def reported(world: World = WORLD, *, category: str = CATEGORY, cell: str = CELL, at: datetime = NOW) -> Decision:
    by = REPORTER if cell.startswith(STREET) else PEOPLE["elsewhere"]
    draft = Draft(cell, category, by.subject)
    return lifecycle.report(draft, by, world, incident_id=UUID(int=1), number="2026-000001", now=at)


def act(incident: Incident, who: str, arrow: Arrow, *, world: World = WORLD, at: datetime = NOW) -> Decision:
    return deciding.decide(incident, an_act(arrow, incident), PEOPLE[who], world, at)


def fired(incident: Incident, *, world: World = WORLD, late_s: float = 0.0, seeds: Seeds | None = None) -> Decision:
    """What the clock does to an open incident this long after its deadline."""
    assert incident.due_at is not None
    decision = lifecycle.tick(incident, world, incident.due_at + timedelta(seconds=late_s), seeds)
    assert decision is not None
    return decision


@cache
def an_incident(state: State, level: Level = Level.COMMUNITY) -> Incident:
    """An incident in this state at this level: raised by hand from level to level. Closed means verified, on hold
    that a hold was asked for while calling, and approved from above."""
    incident = reported().after
    while incident.level < level:
        incident = act(incident, UNIT_AT[incident.level], Arrow.RAISE).after
    holder = UNIT_AT[level]
    if state is State.ANSWERED:
        incident = act(incident, holder, Arrow.ANSWER).after
    if state is State.ON_HOLD:
        incident = act(incident, holder, Arrow.HOLD).after
        incident = deciding.decide(incident, an_act(Arrow.APPROVE, incident), approver(incident), WORLD, NOW).after
    if state in (State.RESOLVED, State.CLOSED):
        incident = act(incident, holder, Arrow.RESOLVE).after
    if state is State.CLOSED:
        incident = act(incident, "reporter", Arrow.ACCEPT).after
    return incident


def a_void(level: Level = Level.COMMUNITY) -> Incident:
    """Closed as void by the called unit; above level 2, where none can, as if it had been."""
    if level <= Level.STREET:
        return act(an_incident(State.CALLING, level), UNIT_AT[level], Arrow.VOID).after
    closed = act(an_incident(State.CALLING, level), "reporter", Arrow.WITHDRAW).after
    return closed._replace(closed_as=ClosedAs.VOID, reopen_until=later(hours=168))


def a_drawn(level: Level = Level.COMMUNITY) -> Incident:
    """Closed by the clock, since nobody verified it, and drawn for a spot check."""
    return fired(an_incident(State.RESOLVED, level), seeds=SEEDS).after


def later(**passed: float) -> datetime:
    return NOW + timedelta(**passed)


def half(incident: Incident) -> DueIncident:
    """The incident as the sweep has it: its earlier calls were never loaded."""
    row: list[Any] = [None if name == "earlier" else value for name, value in incident._asdict().items()]
    return IncidentOf(*row)


def types(decision: AnyDecision) -> list[str]:
    """The types of its events, without the prefix they all share."""
    return [event.type.removeprefix("sihu.") for event in decision.events]
