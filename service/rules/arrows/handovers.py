"""Arrows g, h, p and q: a call given back, given on, refused as no incident, or joined to another
(退回 · 指派 · 不予立案 · 并案).

A dispute about whose something is comes to the leader in finitely many steps: nobody is given what it gave on, or
raised twice; past the policy's returns the leader decides; and what a leader assigns is binding. A leader alone may
decide anew, as often as it is asked.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import NamedTuple

from service.rules import routing
from service.rules.errors import Conflict, Invalid, Pointer, UnknownUnit, ValidationFailed
from service.rules.model import Act, Actor, Call, Incident
from service.rules.routing import Route
from service.rules.story import Story
from service.rules.words import (
    CALL_OPEN_STATES,
    STREET_DIGITS,
    Arrow,
    Cause,
    ClosedAs,
    EventType,
    Kind,
    Level,
    Outcome,
    Role,
    State,
    UnitKind,
)
from service.rules.world import Unit, World


class _Back(NamedTuple):
    """Whom a returned call goes back to, and how that unit had come by it."""

    route: Route
    from_unit: str | None = None
    binding: bool = False


def may_return(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """g, its guard: what a leader assigned stays; and somebody must be there to take it back."""
    if incident.call.binding:
        return "A leader assigned this call to you, which is binding: answer it, or raise it."
    if not _is_disputed(incident, world) and _back(incident, world, now) is None:
        return "Nobody is there to take it back: answer it, or raise it."
    return None


def _is_disputed(incident: Incident, world: World) -> bool:
    """It was returned as often as the policy allows: the next return goes to the leader (终裁)."""
    return incident.returns >= world.policies[incident.policy].returns


def _back(incident: Incident, world: World, now: datetime) -> _Back | None:
    """The caller at the level it had; if it is gone, one level down by routing (contract §2, arrow g)."""
    before = _last_of(incident, incident.call.from_unit)
    if before is not None and before.unit != incident.unit and world.unit(before.unit, now) is not None:
        because = f"{before.unit} had called, and has it back"
        return _Back(Route(before.level, before.unit, False, because), before.from_unit, before.binding)
    below = routing.below(world, incident, now)
    if below.unit == incident.unit:
        return None
    had_it = _last_of(incident, below.unit)  # whoever called it then still decides its holds
    return _Back(below, had_it.from_unit if had_it else None)


def _last_of(incident: Incident, unit: str | None) -> Call | None:
    """The last call before this one in which a unit was called."""
    return next((each for each in reversed(incident.earlier) if each.unit == unit), None)


def give_back(story: Story, act: Act) -> None:
    """g. "Not ours": back to the unit that called, or once too often: to the leader, who decides.

    Raises:
        ValidationFailed: the duty it cites is not in force.
    """
    incident, world = story.incident, story.world
    if act.duty is not None and world.duty(act.duty, story.now) is None:
        raise _wrong("/duty", f"Duty {act.duty} is not in force: see GET /v1/duties.")
    disputed = _is_disputed(incident, world)
    back = None if disputed else _back(incident, world, story.now)
    story.end_call(Outcome.RETURNED, end_code=act.code, end_reason=act.words, end_duty=act.duty)
    story.move(returns=incident.returns + 1)
    story.tell(EventType.CALL_RETURNED, act.words, reason_code=act.code, duty=act.duty)
    if back is None:
        route = routing.arbiter(world, incident, story.now)
        story.open_call(route, Cause.ARBITRATION, from_unit=incident.unit, reason=act.words)
    else:
        story.open_call(back.route, Cause.RETURNED, from_unit=back.from_unit, reason=act.words, binding=back.binding)


def may_assign(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """h, its guard: a community has nobody below, and ops step in only where no unit can: there, for a unit that is
    gone, and for the district's, which is called when nobody else was found."""
    if actor.role is not Role.OPS:
        if world.unit(incident.unit, now) is None:
            return f"{incident.unit} is no longer in force: ops assign it."
        return "A community has nobody to assign it to: raise it." if incident.level is Level.COMMUNITY else None
    unit = world.unit(incident.unit, now)
    lost = unit is None or unit.kind is UnitKind.DISTRICT
    if incident.level is Level.COMMUNITY or lost:
        return None
    return f"{incident.unit} can assign it itself: ops assign only where no unit can."


def assign(story: Story, act: Act) -> None:
    """h. To another unit at its level or below; from a leader it is binding. No escalation, whoever it is.

    Raises:
        UnknownUnit: no such unit in force.
        ValidationFailed: it is not this unit's to assign to, or the category was never admitted for that street.
    """
    incident = story.incident
    unit, level = _target(story, act.units[0])
    by_leader = incident.level is Level.LEADER and story.by.unit is not None
    story.end_call(Outcome.ASSIGNED, end_reason=act.words)
    story.tell(EventType.CALL_ASSIGNED, act.words, to=unit.code)
    because = f"{story.by.unit or 'ops'} assigned it to {unit.code}"
    story.open_call(
        Route(level, unit.code, False, because),
        Cause.ASSIGNED,
        from_unit=story.by.unit,
        reason=act.words,
        binding=by_leader,
    )


def _target(story: Story, code: str) -> tuple[Unit, Level]:
    incident, world = story.incident, story.world
    unit = world.unit(code, story.now)
    if unit is None:
        raise UnknownUnit(f"Unit {code} is not in force: see GET /v1/units.", "/unit")
    if unit.level is None:
        raise _wrong("/unit", f"{code} is a partner: it can assist, but not be called.")
    if unit.code == incident.unit:
        raise _wrong("/unit", f"{code} has this call already: name another unit.")
    if unit.level > incident.level:
        raise _wrong("/unit", f"{code} is at level {unit.level}, above this call: raise it instead.")
    caller = world.unit(story.by.unit, story.now) if story.by.unit else None
    if caller is not None and not _is_theirs(caller, unit):
        raise _wrong("/unit", f"{caller.code} cannot assign to {code}: {_SCOPES[caller.kind]}")
    if caller is not None and code in _who_gave_it_on(incident, caller):
        raise _wrong("/unit", f"{code} gave it on itself: return the call, raise it, or name another unit.")
    why_not = not_admitted(incident, unit, world, story.now)
    if why_not is not None:
        raise _wrong("/unit", why_not)
    return unit, unit.level


_MOST_RAISED = 2
"""A street may give a community back once what it raised; raised again, it is not the community's."""


def _who_gave_it_on(incident: Incident, caller: Unit) -> set[str]:
    """The units that passed it on since it last came otherwise than from hand to hand: each assignment starts a new
    answer box, and to and fro it would never end. What came up to a leader it may give to whom it came from."""
    weight = {Outcome.ASSIGNED: _MOST_RAISED} | ({} if caller.level is Level.LEADER else {Outcome.RAISED: 1})
    gave: Counter[str] = Counter()
    for before in reversed(incident.earlier):
        if before.outcome not in weight:
            break
        gave[before.unit] += weight[before.outcome]
    return {unit for unit, times in gave.items() if times >= _MOST_RAISED}


def not_admitted(incident: Incident, unit: Unit, world: World, now: datetime) -> str | None:
    """Why this unit of a street may not be brought in from above: nothing is pushed down to a street that nobody
    admitted for it (权责事项准入, domain page §1, row 22). None when it may."""
    street = street_of(unit)
    if incident.level <= Level.STREET or street is None:
        return None
    if world.admitted(incident.category, incident.grid_code, street, now) is not None:
        return None
    detail = f"Category {incident.category} was never admitted for street {street}: propose the duty first."
    return f"{detail} See GET /v1/duties?category={incident.category}."


_WITHIN = "a unit of a street assigns to communities, committees, teams and stations of that street."
_ANYONE = "a leader assigns to anyone who is in charge."
_SCOPES = {
    UnitKind.STREET: _WITHIN,
    UnitKind.COMMITTEE: _WITHIN,
    UnitKind.TEAM: _WITHIN,
    UnitKind.STATION: _WITHIN,
    UnitKind.DEPARTMENT: "a department assigns to departments, and to the stations and teams of its own line.",
    UnitKind.COMMUNITY: "a community assigns to nobody.",
    UnitKind.PARTNER: "a partner assigns to nobody.",
    UnitKind.LEADER: _ANYONE,
    UnitKind.DISTRICT: _ANYONE,
}


def _is_theirs(caller: Unit, unit: Unit) -> bool:
    """Whether a caller may assign to a unit: a street inside itself, a department to departments and down its line, a
    leader to anyone."""
    if caller.level is Level.LEADER:
        return True
    if caller.kind is UnitKind.DEPARTMENT:
        return unit.kind is UnitKind.DEPARTMENT or unit.line_parent == caller.code
    street = street_of(caller)
    inside = street is not None and caller.level is Level.STREET and street_of(unit) == street
    return inside and unit.kind is not UnitKind.STREET


def street_of(unit: Unit) -> str | None:
    """The street whose a unit is; None for departments and leaders, and for what belongs to them alone."""
    of = unit.code if unit.kind in (UnitKind.COMMUNITY, UnitKind.STREET) else unit.parent or ""
    is_inside = unit.level in (Level.COMMUNITY, Level.STREET) and of.isdigit() and len(of) >= STREET_DIGITS
    return of[:STREET_DIGITS] if is_inside else None


def may_void(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """p, its guard: what a leader once assigned is an incident, through whose hands it may go."""
    bound = any(call.binding for call in (*incident.earlier, incident.call))
    return "A leader assigned this incident: answer it, or raise it." if bound else None


def void(story: Story, act: Act) -> None:
    """p. Not an incident, with a coded reason. Its reporter may have it reopened, once."""
    story.end_call(Outcome.CLOSED, end_code=act.code, end_reason=act.words)
    story.close(ClosedAs.VOID, act.words, reason_code=act.code)


def merge(story: Story, act: Act) -> None:
    """q. Closed into another open incident, which whoever followed this one follows from now on (`absorb`)."""
    if story.incident.state in CALL_OPEN_STATES:
        story.end_call(Outcome.CLOSED, end_code=ClosedAs.MERGED.value, end_reason=act.words)
    story.move(merged_into=act.into)
    story.close(ClosedAs.MERGED, act.words, into=str(act.into))


def may_absorb(target: Incident, incident: Incident) -> None:
    """Raises `ValidationFailed` or `Conflict` when an incident cannot be merged into this one: a merge hides no call
    behind one that has further to climb."""
    if target.id == incident.id:
        raise _wrong("/into", "An incident cannot be merged into itself: name the other one.")
    if not target.is_open:
        into = f" It was merged into {target.merged_into}: name that one." if target.merged_into else ""
        raise Conflict(f"Incident {target.number} is closed: merge into an open one.{into}")
    if incident.kind is Kind.INCIDENT and _waits_unchased(target):
        raise Conflict(
            f"{target.number} is a {target.kind}, which nobody is chased for: merge it into this one instead."
        )
    if target.level < incident.level:
        levels = f"{target.number} is at level {target.level}, this one at level {incident.level}"
        raise Conflict(f"{levels}: merge that one into this one, so that nobody is called all over again.")


def _waits_unchased(incident: Incident) -> bool:
    """On hold by its kind alone: nobody decided that."""
    return incident.state is State.ON_HOLD and incident.requests[-1].decided_by is None


def absorb(story: Story, merged: Incident, reason: str | None) -> None:
    """q, its other half: the reporter and the units of the merged incident hear what becomes of this one. Its version
    stays: nobody who works on it need look again."""
    target = story.incident
    own = f"@{target.reporter}"
    joining = (*merged.audience, f"@{merged.reporter}")
    audience = tuple(dict.fromkeys((*target.audience, *(each for each in joining if each != own))))
    story.note(audience=audience)
    story.tell(EventType.INCIDENT_MERGED, reason, merged=str(merged.id), number=merged.number)


def _wrong(pointer: str, detail: str) -> Invalid:
    return ValidationFailed(detail, errors=(Pointer(pointer, detail),))
