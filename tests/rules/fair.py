"""What is owed to those an incident concerns: nobody judges its own work, and nothing is pushed where it may not go.

Checked of each decision as it is written, from the contract and the log alone, not from the code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from service.rules import fair_play
from service.rules.decisions import Decision, Event
from service.rules.model import Incident
from service.rules.words import Cause, Level, Outcome, State
from service.rules.world import World
from tests.rules.builders import OTHER_STREET, STREET, UNITS
from tests.rules.deciding import changed

_REOPENED, _REJECTED = "sihu.incident.reopened", "sihu.incident.rejected"


def demand(before: Incident, decision: Decision, past: Sequence[Event], world: World) -> None:
    """`past`: every event of the incident, with those of this decision."""
    for event in decision.events:
        check = _CHECKS.get(event.type)
        if check is not None:
            check(before, decision, event, past, world)


def _closed(before: Incident, decision: Decision, event: Event, past: Sequence[Event], world: World) -> None:
    if decision.after.closed_as == "verified":
        _is_judged_by_another(before, event, world)


def _is_judged_by_another(before: Incident, event: Event, world: World) -> None:
    """k, l: the reporter (to reject, also that of one merged into it), or from the second half of its time on the
    community or street of the cell, unless below who resolved it; never who did, by unit or by subject. What was drawn
    is judged by ops."""
    by, done = event.by, before.call
    assert done.ended_by is not None and done.ended_at is not None
    assert done.ended_by.subject != by.subject
    assert by.unit != done.unit
    if before.state is State.CLOSED:
        assert (by.kind, before.drawn, done.credit) == ("ops", True, "unverified")
        return
    assert before.due_at is not None
    follows = event.type == _REJECTED and f"@{by.subject}" in before.audience
    is_reporter = (by.subject == before.reporter or follows) and by.kind != "ops"
    if is_reporter or _is_third(before, event, world):
        return
    assert by.unit in (before.grid_code[:12], before.grid_code[:9])
    assert event.at - done.ended_at >= before.due_at - event.at
    assert done.unit not in fair_play.above(by.unit or "", world, event.at)


def _is_third(before: Incident, event: Event, world: World) -> bool:
    """l: from the third reject on the street of the cell or ops, at any time."""
    if event.type != _REJECTED or before.rejects < 2:
        return False
    if event.by.kind != "ops":
        assert event.by.unit == before.grid_code[:9]
        assert before.unit not in fair_play.above(event.by.unit, world, event.at) or _is_own(before, event)
    return True


def _is_own(before: Incident, event: Event) -> bool:
    return event.by.subject == before.reporter or f"@{event.by.subject}" in before.audience


def _rejected(before: Incident, decision: Decision, event: Event, past: Sequence[Event], world: World) -> None:
    """l: the same unit, while it is there; from the second one since the last reopening the next level."""
    _is_judged_by_another(before, event, world)
    after, since_reopened = decision.after, 0
    for each in past:
        since_reopened = 0 if each.type == _REOPENED else since_reopened + (each.type == _REJECTED)
    if since_reopened > 1:
        assert after.level > before.level or before.level is after.level is Level.LEADER
    elif world.unit(before.unit, event.at) is not None:
        assert (after.unit, after.level) == (before.unit, before.level)


def _checked(before: Incident, decision: Decision, event: Event, past: Sequence[Event], world: World) -> None:
    """k, l: what was drawn and nobody has looked at since it closed."""
    _is_judged_by_another(before, event, world)
    since_closed = [each.type for each in past if each.call == event.call]
    assert since_closed.count(event.type) == 1


def _assigned(before: Incident, decision: Decision, event: Event, past: Sequence[Event], world: World) -> None:
    """h: another unit, no higher; and from above, a street only what it admitted."""
    after = decision.after
    assert (after.unit != before.unit) and (after.level <= before.level)
    street = _street_of(after.unit)
    assert before.level <= Level.STREET or street is None or _admitted(world, before, street, event.at)
    by_leader = event.by.unit is not None and before.level is Level.LEADER
    assert after.call.binding == by_leader


def _street_of(unit: str) -> str | None:
    """The street inside which a unit is, by the drawing in `builders`."""
    places = (unit, UNITS[unit].parent or "")
    return next((street for street in (STREET, OTHER_STREET) for each in places if each.startswith(street)), None)


def _admitted(world: World, incident: Incident, street: str, at: datetime) -> bool:
    """Some duty in force for this category, here, names the street or a unit of it."""
    return any(
        incident.category.startswith(duty.category)
        and incident.grid_code.startswith(duty.area)
        and duty.validity.in_force_at(at)
        and any(_street_of(unit) == street for unit in (duty.lead_unit, *duty.assisting))
        for rows in world.duties.values()
        for duty in rows
    )


def _appealed(before: Incident, decision: Decision, event: Event, past: Sequence[Event], world: World) -> None:
    call = changed(decision)
    assert call is not None
    assert call.appeal is not None
    [was] = [each for each in (*before.earlier, before.call) if each.seq == call.seq]
    assert (call.appeal.by.unit, call.exempt) == (call.unit, was.exempt), "each for itself, and to ask changes nothing"
    assert call.late_s is not None or call.late_exit
    assert call.ended_at is not None and event.at <= call.ended_at + timedelta(days=10)


def _reopened(before: Incident, decision: Decision, event: Event, past: Sequence[Event], world: World) -> None:
    """n: the unit it closed at, the second time the level above; one that was void at the street."""
    times = sum(each.type == _REOPENED for each in past)
    after = decision.after
    if before.closed_as == "void":
        assert event.by.subject == before.reporter
        assert after.level >= Level.STREET
    elif times == 2:
        assert after.level > before.level or before.level is after.level is Level.LEADER
    elif world.unit(before.unit, event.at) is not None:
        assert (after.unit, after.level) == (before.unit, before.level)


def _judged(before: Incident, decision: Decision, event: Event, past: Sequence[Event], world: World) -> None:
    """What is exempt was granted by ops, never by who appealed, or is of a flood that they ended."""
    call = next(each for each in decision.changed if each.seq == event.call)
    assert event.by.kind == "ops"
    assert call.appeal is None or event.by.subject != call.appeal.by.subject
    assert call.exempt or event.type != "sihu.call.exempted"


def _corrected(before: Incident, decision: Decision, event: Event, past: Sequence[Event], world: World) -> None:
    """r: by the street, inside itself, or by ops; nothing is due later, and whom the cell has is called."""
    after, opened = decision.after, decision.opened
    assert event.by.kind == "ops" or (event.by.unit == before.grid_code[:9] == after.grid_code[:9])
    assert after.kind in (before.kind, "incident") or event.by.kind == "ops"
    assert (after.state is State.ON_HOLD) == (after.kind != before.kind and after.kind != "incident")
    assert (opened is None) == (after.call.seq == before.call.seq) == (after.unit == before.unit)
    running = after if after.state is not State.ON_HOLD else decision.events[-2].at_state
    assert running.due_at is not None
    assert before.due_at is not None
    assert running.due_at <= before.due_at, "never later"
    if opened is not None:
        assert (before.call.binding, decision.changed[0].outcome) == (False, Outcome.CORRECTED)
        assert opened.cause in (Cause.CORRECTED, Cause.UNROUTED)
        assert opened.resolve_cap is None or opened.resolve_cap <= (before.call.resolve_by or opened.resolve_cap)
    place = {Level.COMMUNITY: after.grid_code[:12], Level.STREET: after.grid_code[:9]}.get(after.level)
    if place is not None and world.unit(place, event.at) and before.call.cause in _BY_ROUTING:
        assert after.unit == place or before.grid_code == after.grid_code
    if opened is not None and opened.level is Level.DEPARTMENT:
        duty = world.duty_for(after.category, after.grid_code, event.at)
        assert duty is not None
        assert after.unit == duty.lead_unit


_BY_ROUTING = (Cause.REPORT, Cause.RAISED, Cause.NO_ANSWER, Cause.NOT_RESOLVED)
_CHECKS: Mapping[str, Callable[[Incident, Decision, Event, Sequence[Event], World], None]] = {
    "sihu.incident.closed": _closed,
    _REJECTED: _rejected,
    _REOPENED: _reopened,
    "sihu.incident.checked": _checked,
    "sihu.incident.corrected": _corrected,
    "sihu.call.assigned": _assigned,
    "sihu.call.appealed": _appealed,
    "sihu.call.exempted": _judged,
    "sihu.call.appeal_refused": _judged,
}
