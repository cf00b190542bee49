"""A small, complete world, and incidents in any state and level, made by the rules themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from service.rules import lifecycle
from service.rules import world as worlds
from service.rules.model import (
    Act,
    Actor,
    Arrow,
    Box,
    Category,
    Cell,
    Clock,
    Decision,
    Draft,
    Duty,
    Ground,
    Incident,
    Level,
    Line,
    Policy,
    Role,
    State,
    Unit,
    UnitKind,
    Urgency,
    Validity,
)
from service.rules.world import World

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ALWAYS = Validity(datetime(2000, 1, 1, tzinfo=UTC))
DISTRICT, STREET, OTHER_STREET = "440105", "440105001", "440105002"
COMMUNITY, CELL = "440105001001", "440105001001001"
DEPARTMENT, SPECIAL, LEADER, STREET_LEADER = "dept-a", "dept-b", "leader-a", "leader-s"
CATEGORY = "u-0101"
HOUR = 3600

UNITS = {
    DISTRICT: Unit(DISTRICT, "District", UnitKind.DISTRICT, Level.LEADER, ALWAYS),
    STREET: Unit(STREET, "Street 1", UnitKind.STREET, Level.STREET, ALWAYS, DISTRICT),
    OTHER_STREET: Unit(OTHER_STREET, "Street 2", UnitKind.STREET, Level.STREET, ALWAYS, DISTRICT),
    COMMUNITY: Unit(COMMUNITY, "Community", UnitKind.COMMUNITY, Level.COMMUNITY, ALWAYS, STREET),
    DEPARTMENT: Unit(DEPARTMENT, "Department A", UnitKind.DEPARTMENT, Level.DEPARTMENT, ALWAYS, DISTRICT),
    SPECIAL: Unit(SPECIAL, "Department B", UnitKind.DEPARTMENT, Level.DEPARTMENT, ALWAYS, DISTRICT),
    LEADER: Unit(LEADER, "Leader", UnitKind.LEADER, Level.LEADER, ALWAYS, DISTRICT, in_charge_of=(DEPARTMENT,)),
    STREET_LEADER: Unit(
        STREET_LEADER, "Leader of streets", UnitKind.LEADER, Level.LEADER, ALWAYS, DISTRICT, in_charge_of=(STREET,)
    ),
}
DUTIES = (
    Duty("1", "all of u", "u", DISTRICT, DEPARTMENT, ALWAYS),
    Duty("2", "u-02 in the district", "u-02", DISTRICT, SPECIAL, ALWAYS),
    Duty("3", "u-02 in street 1", "u-02", STREET, DEPARTMENT, ALWAYS),
)
BOXES = {
    (level, urgency): Box(level * HOUR, level * 10 * HOUR, Clock.CONTINUOUS) for level in Level for urgency in Urgency
}


def a_world(*, without: tuple[str, ...] = (), duties: tuple[Duty, ...] = DUTIES, version: int = 1) -> World:
    """The world, with some units out of force from `NOW` on (they stay known, as in the registry)."""
    gone = Validity(ALWAYS.valid_from, NOW)
    units = [
        Unit(u.code, u.name, u.kind, u.level, gone, u.parent, in_charge_of=u.in_charge_of) if u.code in without else u
        for u in UNITS.values()
    ]
    return worlds.build(
        version,
        units=units,
        cells=[Cell(CELL, "Cell", COMMUNITY, ALWAYS)],
        categories=[
            Category("u", "U", "urban", Urgency.NORMAL, ALWAYS),
            Category(CATEGORY, "U 01 01", "urban", Urgency.NORMAL, ALWAYS, "u"),
            Category("u-0201", "U 02 01", "urban", Urgency.URGENT, ALWAYS, "u"),
            Category("x", "nobody's", "urban", Urgency.NORMAL, ALWAYS),
        ],
        lines=[Line("urban", "Urban")],
        duties=duties,
        policies=[Policy("p", 1, BOXES, 72 * HOUR, 168 * HOUR)],
        active_policy=("p", 1),
    )


WORLD = a_world()
REPORTER = Actor(Role.REPORTER, "worker", area=STREET)
PEOPLE: dict[str, Actor] = {
    "reporter": REPORTER,
    "colleague": Actor(Role.REPORTER, "colleague", area=STREET),
    "elsewhere": Actor(Role.REPORTER, "elsewhere", area=OTHER_STREET),
    "community": Actor(Role.UNIT, COMMUNITY, unit=COMMUNITY),
    "street": Actor(Role.UNIT, STREET, unit=STREET),
    "department": Actor(Role.UNIT, DEPARTMENT, unit=DEPARTMENT),
    "leader": Actor(Role.UNIT, LEADER, unit=LEADER),
    "other_street": Actor(Role.UNIT, OTHER_STREET, unit=OTHER_STREET),
    "special": Actor(Role.UNIT, SPECIAL, unit=SPECIAL),
    "auditor": Actor(Role.AUDITOR, "auditor"),
    "ops": Actor(Role.OPS, "ops"),
}
UNIT_AT = {Level.COMMUNITY: "community", Level.STREET: "street", Level.DEPARTMENT: "department", Level.LEADER: "leader"}


def an_act(arrow: Arrow) -> Act:
    """An act as a person would send it."""
    ground = Ground.BEYOND_POWERS if arrow is Arrow.RAISE else None
    answer = {"measure": "go and look"} if arrow is Arrow.ANSWER else None
    return Act(arrow, "because", ground=ground, answer=answer)


def reported(world: World = WORLD, *, category: str = CATEGORY, at: datetime = NOW) -> Decision:
    draft = Draft(CELL, category, REPORTER.subject)
    return lifecycle.report(draft, REPORTER, world, incident_id=UUID(int=1), number="2026-000001", now=at)


def act(incident: Incident, who: str, arrow: Arrow, *, world: World = WORLD, at: datetime = NOW) -> Decision:
    return lifecycle.decide(incident, an_act(arrow), PEOPLE[who], world, at)


def an_incident(state: State, level: Level = Level.COMMUNITY) -> Incident:
    """An incident in this state at this level: raised by hand from level to level. Closed means verified."""
    incident = reported().after
    while incident.level < level:
        incident = act(incident, UNIT_AT[incident.level], Arrow.RAISE).after
    holder = UNIT_AT[level]
    if state is State.ANSWERED:
        incident = act(incident, holder, Arrow.ANSWER).after
    if state in (State.RESOLVED, State.CLOSED):
        incident = act(incident, holder, Arrow.RESOLVE).after
    if state is State.CLOSED:
        incident = act(incident, "reporter", Arrow.ACCEPT).after
    return incident


def later(**passed: float) -> datetime:
    return NOW + timedelta(**passed)
