"""The choice of the unit that is called next. Levels are tried upwards from the wanted one until a unit is found
(contract §2, "Never" and "Skipped levels"): no community → the street; no department for the category → the leader; no
leader → the district."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from service.rules.model import AnyIncident
from service.rules.sentences import Sentence
from service.rules.words import COMMUNITY_DIGITS, STREET_DIGITS, Level
from service.rules.world import Unit, World

_OF_COMMUNITY = Sentence("the community of the cell")
_OF_STREET = Sentence("the street of the cell")
_CALLED_BEFORE = Sentence("the unit called before")
_UPWARDS = {level: tuple(Level)[level - 1 :] for level in Level}
_NEXT: dict[Level, Level] = {level: Level(level + 1) for level in Level if level < Level.LEADER}


class Route(NamedTuple):
    """One unit to call. An `unrouted` route is a fallback, since the wanted level has no unit; ops hear of it."""

    level: Level
    unit: str
    unrouted: bool
    because: Sentence


def first(world: World, grid_code: str, category: str, at: datetime) -> Route:
    """The first call of an incident: the community of its cell (arrow a)."""
    return _find(world, Level.COMMUNITY, grid_code, category, None, at)


def upwards(world: World, incident: AnyIncident, at: datetime) -> Route:
    """The next call up (arrows d, e, f and a repeated l); at level 4 the same level again."""
    if incident.level is Level.LEADER:
        return again(world, incident, at)
    return _find(world, _NEXT[incident.level], incident.grid_code, incident.category, incident.unit, at)


def again(world: World, incident: AnyIncident, at: datetime) -> Route:
    """The unit called last, once more; if that unit is no longer in force, the one that routing finds for its level
    (arrows l, n)."""
    unit = world.unit(incident.unit, at)
    if unit is not None:
        return Route(
            incident.level, unit.code, False, Sentence("{unit} was called last and is called again", unit=unit.code)
        )
    return _find(world, incident.level, incident.grid_code, incident.category, incident.unit, at)


def street_level(world: World, incident: AnyIncident, at: datetime) -> Route:
    """The street of the cell, where an incident closed as void is reopened (arrow n)."""
    return _find(world, Level.STREET, incident.grid_code, incident.category, incident.unit, at)


def below(world: World, incident: AnyIncident, at: datetime) -> Route:
    """The unit one level down, for a return to a unit that is no longer in force (arrow g). Where there is none,
    routing finds a unit further up, which may be the called one."""
    wanted = Level(max(incident.level - 1, Level.COMMUNITY))
    return _find(world, wanted, incident.grid_code, incident.category, incident.unit, at)


def arbiter(world: World, incident: AnyIncident, at: datetime) -> Route:
    """The leader who decides which unit is responsible: the one in charge of the unit called now, else of the street
    (arrow g)."""
    return _find(world, Level.LEADER, incident.grid_code, incident.category, incident.unit, at)


def chain(world: World, grid_code: str, category: str, at: datetime) -> tuple[Route, ...]:
    """The units that would be called one after the other if nobody answered, lowest level first."""
    routes = [first(world, grid_code, category, at)]
    while routes[-1].level < Level.LEADER:
        last = routes[-1]
        routes.append(_find(world, _NEXT[last.level], grid_code, category, last.unit, at))
    return tuple(routes)


def at_level(world: World, level: Level, grid_code: str, category: str, at: datetime) -> Route:
    """The unit that would be called at a level if nobody had answered below (arrow r); where the level has none, the
    one that would be called next."""
    found = next(route for route in chain(world, grid_code, category, at) if route.level >= level)
    nobody = found.unit == world.fallback(at).code
    return found._replace(unrouted=nobody or found.level is not level)


def _find(world: World, wanted: Level, grid_code: str, category: str, called: str | None, at: datetime) -> Route:
    for level in _UPWARDS[wanted]:
        found = _at_level(world, level, grid_code, category, called, at)
        if found is not None:
            unit, because = found
            return Route(level, unit.code, level is not wanted, because)
    fallback = world.fallback(at)
    return Route(Level.LEADER, fallback.code, True, Sentence("no leader is in charge: the district's fallback unit"))


def _at_level(
    world: World, level: Level, grid_code: str, category: str, called: str | None, at: datetime
) -> tuple[Unit, Sentence] | None:
    if level is Level.COMMUNITY:
        return _named(world.unit(grid_code[:COMMUNITY_DIGITS], at), _OF_COMMUNITY)
    if level is Level.STREET:
        return _named(world.unit(grid_code[:STREET_DIGITS], at), _OF_STREET)
    if level is Level.DEPARTMENT:
        return _department(world, grid_code, category, at)
    return _leader(world, grid_code, called, at)


def _named(unit: Unit | None, because: Sentence) -> tuple[Unit, Sentence] | None:
    return None if unit is None else (unit, because)


def _department(world: World, grid_code: str, category: str, at: datetime) -> tuple[Unit, Sentence] | None:
    duty = world.duty_for(category, grid_code, at)
    lead = world.unit(duty.lead_unit, at) if duty else None
    if duty is None or lead is None or lead.level is not Level.DEPARTMENT:
        return None
    because = Sentence(
        "lead department of duty {duty} ({category} in {area})", duty=duty.code, category=duty.category, area=duty.area
    )
    return lead, because


def _leader(world: World, grid_code: str, called: str | None, at: datetime) -> tuple[Unit, Sentence] | None:
    for charge, why in ((called, _CALLED_BEFORE), (grid_code[:STREET_DIGITS], _OF_STREET)):
        leader = world.leader_of(charge, at) if charge else None
        if charge and leader is not None:
            return leader, Sentence("leader in charge of {unit}, {why}", unit=charge, why=why)
    return None
