"""Arrows g and h: a call is returned to the unit that called, or assigned to another unit (退回 · 指派).

A dispute about who is responsible for an incident reaches the leader in finitely many steps. No unit is assigned an
incident that it has passed on itself, or raised twice; past the policy's return limit the leader decides; and what a
leader assigns is binding. Only a leader may assign an incident back every time that the unit raises it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from service.rules import fair_play, pinning, routing
from service.rules.acts import Act
from service.rules.errors import Rule, UnknownUnit, ValidationFailed, wrong_field
from service.rules.fair_play import Accountable
from service.rules.model import Actor, Call, Incident
from service.rules.routing import Route
from service.rules.sentences import Sentence
from service.rules.story import Story
from service.rules.words import STREET_DIGITS, Arrow, Cause, EventType, Level, Outcome, Role, UnitKind
from service.rules.world import Unit, World


class _WayBack(NamedTuple):
    """The route of a returned call, with the `from_unit` and the `binding` of the call that it goes back to, and who is
    accountable for it."""

    route: Route
    from_unit: str | None = None
    binding: bool = False
    accountable: Accountable | None = None


def may_return(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow g: a call that a leader assigned may not be returned, and a unit must be there to take the
    call back."""
    if incident.call.binding:
        return Sentence("A leader assigned this call to you, which is binding: answer it, or raise it.")
    if not _is_disputed(incident, world) and _way_back(incident, world, now) is None:
        return Sentence("Nobody is there to take it back: answer it, or raise it.")
    return None


def _is_disputed(incident: Incident, world: World) -> bool:
    """Whether the incident was returned as often as the policy allows, so that the next return goes to the leader
    (终裁)."""
    return incident.returns >= pinning.policy_of(world, incident).returns


def _way_back(incident: Incident, world: World, now: datetime) -> _WayBack | None:
    """The way back to the unit that called, at the level it had; if that unit is no longer in force, to the unit that
    routing finds one level down (contract §2, arrow g). None when that is the called unit itself."""
    before = _last_call_of(incident, incident.call.from_unit)
    if before is not None and before.unit != incident.unit and world.unit(before.unit, now) is not None:
        because = Sentence("{unit} had called, and has it back", unit=before.unit)
        route = Route(before.level, before.unit, False, because)
        since = (*incident.earlier[before.seq - 1 :], incident.call)
        was_answered = any(each.answered_at is not None for each in since)
        accountable = None if was_answered else fair_play.accountable_before(before)
        return _WayBack(route, before.from_unit, before.binding, accountable)
    below = routing.below(world, incident, now)
    if below.unit == incident.unit:
        return None
    call_below = _last_call_of(incident, below.unit)  # whoever called that unit then still decides its holds
    return _WayBack(below, call_below.from_unit if call_below else None)


def _last_call_of(incident: Incident, unit: str | None) -> Call | None:
    """The last call of a unit before the present one; None when there is none."""
    return next((each for each in reversed(incident.earlier) if each.unit == unit), None)


def give_back(story: Story, act: Act) -> None:
    """Arrow g: the called unit says "not ours", and the call goes back to the unit that called, or past the return
    limit to the leader.

    Raises:
        ValidationFailed: the duty that the return cites is not in force.
    """
    incident, world = story.incident, story.world
    if act.duty is not None and world.duty(act.duty, story.now) is None:
        detail = Sentence("Duty {duty} is not in force: see GET /v1/duties.", duty=act.duty)
        raise wrong_field("/duty", detail, Rule.UNKNOWN)
    disputed = _is_disputed(incident, world)
    back = None if disputed else _way_back(incident, world, story.now)
    facts = story.leave_call(Outcome.RETURNED, end_code=act.code, end_reason=act.words, end_duty=act.duty)
    story.change(returns=incident.returns + 1)
    story.record(EventType.CALL_RETURNED, act.words, reason_code=act.code, duty=act.duty, **facts)
    if back is None:
        route = routing.arbiter(world, incident, story.now)
        story.open_call(route, Cause.ARBITRATION, from_unit=incident.unit, reason=act.words)
    else:
        story.open_call(
            back.route,
            Cause.RETURNED,
            from_unit=back.from_unit,
            reason=act.words,
            binding=back.binding,
            accountable=back.accountable,
        )


def may_assign(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow h: a community has nobody below it, and ops assign only where no unit can.

    That is so at a community, for a unit that is no longer in force, and for the district's fallback unit.
    """
    if actor.role is not Role.OPS:
        if world.unit(incident.unit, now) is None:
            return Sentence("{unit} is no longer in force: ops assign it.", unit=incident.unit)
        if incident.level is not Level.COMMUNITY:
            return None
        return Sentence("A community has nobody to assign it to: raise it.")
    unit = world.unit(incident.unit, now)
    lost = unit is None or unit.kind is UnitKind.DISTRICT
    if incident.level is Level.COMMUNITY or lost:
        return None
    return Sentence("{unit} can assign it itself: ops assign only where no unit can.", unit=incident.unit)


def assign(story: Story, act: Act) -> None:
    """Arrow h: the call goes to another unit at the same level or below, which is not a raise. From a leader it is
    binding.

    Raises:
        UnknownUnit: no such unit is in force.
        ValidationFailed: the called unit may not assign to that unit, or the category was never admitted for its
            street.
    """
    incident = story.incident
    unit, level = _target(story, act.units[0])
    by_leader = incident.level is Level.LEADER and story.by.unit is not None
    accountable = fair_play.accountable(incident, story.by)
    facts = story.leave_call(Outcome.ASSIGNED, end_reason=act.words)
    story.record(EventType.CALL_ASSIGNED, act.words, to=unit.code, **facts)
    by = story.by.unit or Role.OPS
    because = Sentence("{by} assigned it to {unit}", by=by, unit=unit.code)
    story.open_call(
        Route(level, unit.code, False, because),
        Cause.ASSIGNED,
        from_unit=story.by.unit,
        reason=act.words,
        binding=by_leader,
        accountable=accountable,
    )


def _target(story: Story, code: str) -> tuple[Unit, Level]:
    """The unit that the call is assigned to, and the level of the new call. Raises the errors that `assign` lists."""
    incident, world = story.incident, story.world
    unit = world.unit(code, story.now)
    if unit is None:
        raise UnknownUnit(not_in_force(code), "/unit")
    if unit.level is None:
        raise _wrong_unit(Sentence("{unit} is a partner: it can assist, but not be called.", unit=code))
    if unit.code == incident.unit:
        raise _wrong_unit(Sentence("{unit} has this call already: name another unit.", unit=code))
    if unit.level > incident.level:
        raise _wrong_unit(
            Sentence("{unit} is at level {level}, above this call: raise it instead.", unit=code, level=unit.level)
        )
    caller = world.unit(story.by.unit, story.now) if story.by.unit else None
    if caller is not None and not _may_assign_to(caller, unit):
        raise _wrong_unit(
            Sentence(
                "{caller} cannot assign to {unit}: {scope}", caller=caller.code, unit=code, scope=_SCOPES[caller.kind]
            )
        )
    if caller is not None and code in already_passed_on_by(incident, caller):
        raise _wrong_unit(
            Sentence("{unit} gave it on itself: return the call, raise it, or name another unit.", unit=code)
        )
    why_not = not_admitted(incident, unit, world, story.now)
    if why_not is not None:
        raise _wrong_unit(why_not)
    return unit, unit.level


def _wrong_unit(detail: Sentence) -> ValidationFailed:
    return wrong_field("/unit", detail)


def not_in_force(code: str) -> Sentence:
    """What to do about a unit that the registry does not have now."""
    return Sentence("Unit {unit} is not in force: see GET /v1/units.", unit=code)


MAX_RAISED = 2
"""The raises after which only a leader assigns an incident back to the unit that raised it: a street may do so once."""


_PASSED_ON: Mapping[Outcome | None, int] = {Outcome.ASSIGNED: MAX_RAISED, Outcome.RAISED: 1}


def already_passed_on_by(incident: Incident, caller: Unit) -> set[str]:
    """The units that the caller may not assign this incident to: they passed it on since the last report, reject or
    reopening, and two units could restart each other's answer box for ever. A leader may assign it to anybody."""
    if caller.level is Level.LEADER:
        return set()
    passed_on: Counter[str] = Counter()
    for before in reversed(incident.earlier):
        if before.outcome in (Outcome.RESOLVED, Outcome.CLOSED):  # and was rejected or reopened
            break
        passed_on[before.unit] += _PASSED_ON.get(before.outcome, 0)
    return {unit for unit, times in passed_on.items() if times >= MAX_RAISED}


def not_admitted(incident: Incident, unit: Unit, world: World, now: datetime) -> Sentence | None:
    """Why a call from above may not bring in a unit of a street: nobody admitted the category for that street
    (权责事项准入, domain page §1, row 22). None when it may."""
    street = street_of(unit)
    if incident.level <= Level.STREET or street is None:
        return None
    if world.admitted(incident.category, incident.grid_code, street, now) is not None:
        return None
    return Sentence(
        "Category {category} was never admitted for street {street}: propose the duty first. See GET "
        "/v1/duties?category={category}.",
        category=incident.category,
        street=street,
    )


_WITHIN = Sentence("a unit of a street assigns to communities, committees, teams and stations of that street.")
_ANYONE = Sentence("a leader assigns to anyone who is in charge.")
_SCOPES = {
    UnitKind.STREET: _WITHIN,
    UnitKind.COMMITTEE: _WITHIN,
    UnitKind.TEAM: _WITHIN,
    UnitKind.STATION: _WITHIN,
    UnitKind.DEPARTMENT: Sentence(
        "a department assigns to departments, and to the stations and teams of its own line."
    ),
    UnitKind.COMMUNITY: Sentence("a community assigns to nobody."),
    UnitKind.PARTNER: Sentence("a partner assigns to nobody."),
    UnitKind.LEADER: _ANYONE,
    UnitKind.DISTRICT: _ANYONE,
}


def _may_assign_to(caller: Unit, unit: Unit) -> bool:
    """Whether one unit may assign to another: a street and its units inside the street, a department to departments and
    down its own line, a leader to anyone."""
    if caller.level is Level.LEADER:
        return True
    if caller.kind is UnitKind.DEPARTMENT:
        return unit.kind is UnitKind.DEPARTMENT or unit.line_parent == caller.code
    street = street_of(caller)
    inside = street is not None and caller.level is Level.STREET and street_of(unit) == street
    return inside and unit.kind is not UnitKind.STREET


def street_of(unit: Unit) -> str | None:
    """The street that a unit belongs to; None for departments, for leaders, and for units that belong to one of
    these."""
    code = unit.code if unit.kind in (UnitKind.COMMUNITY, UnitKind.STREET) else unit.parent or ""
    is_inside = unit.level in (Level.COMMUNITY, Level.STREET) and code.isdigit() and len(code) >= STREET_DIGITS
    return code[:STREET_DIGITS] if is_inside else None
