"""Arrow r: the category, the cell, the urgency or the kind of an incident is put right (更正).

What the reporter said stays as it was said, and a call that goes on keeps the boxes it was opened with. The deadline
never moves later: an incident that becomes urgent takes the earlier of its deadline and a new box, and a unit that is
called instead of another one owes what that one owed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from service.rules import deadlines, fair_play, pinning, routing
from service.rules.acts import Act, Correction
from service.rules.arrows import handling, moving
from service.rules.changes import CapChange, IncidentChange
from service.rules.errors import Conflict, NotYours, Pointer, UnknownCategory, UnknownCell, ValidationFailed
from service.rules.logged import CorrectedFacts
from service.rules.model import Actor, Incident
from service.rules.routing import Route
from service.rules.sentences import Sentence
from service.rules.story import Story
from service.rules.words import (
    STREET_DIGITS,
    Cause,
    DueKind,
    EventType,
    Kind,
    Outcome,
    Role,
    State,
    Urgency,
    Verdict,
)
from service.rules.world import World

_FIELDS = Correction._fields
_ROUTED_BY = frozenset({"category", "grid_code"})
"""The fields by which the unit that is called is found."""


def demand_own(incident: Incident, act: Act, actor: Actor) -> None:
    """The reach of arrow r: a street corrects within itself, and only ops say that something is no incident.

    Raises:
        NotYours: the cell lies in another street, or the kind waits unchased, and the actor is not ops.
    """
    if actor.role is Role.OPS:
        return
    cell, kind = act.correction.grid_code, act.correction.kind
    if cell is not None and cell[:STREET_DIGITS] != incident.street:
        detail = Sentence(
            "Cell {cell} lies in another street than this incident: ask ops, who alone move one there.", cell=cell
        )
        raise NotYours(detail, errors=(Pointer("/grid_code", detail),))
    if kind not in (None, Kind.INCIDENT, incident.kind):
        detail = Sentence("Only ops may make a {kind} of it, which nobody is chased for.", kind=kind or Kind.INCIDENT)
        raise NotYours(detail, errors=(Pointer("/kind", detail),))


def correct(story: Story, act: Act) -> None:
    """Arrow r: the incident is put right. When its unit is no longer the one for it, the right one at that level is
    called; an incident that becomes a suggestion or deliberation waits on hold.

    Raises:
        UnknownCell, UnknownCategory: the registry has no such row in force.
        ValidationFailed: the incident is already what it is corrected to.
        Conflict: another unit would be called when the deadline has passed, or the call would not be late any more.
    """
    before = story.incident
    changes = _changes(before, act.correction)
    _demand_known(changes, story.world, story.now)
    route = _right_route(before, changes, story.world, story.now)
    if route is not None:
        _demand_time_left(before, story.now)
    story.change(**changes)
    facts = _facts(before, changes)
    if route is not None:
        _call_instead(story, before, route, act, facts)
    else:
        if changes.get("urgency") is Urgency.URGENT:
            _hasten(story)
        _demand_still_late(story, before)
        story.record(EventType.INCIDENT_CORRECTED, act.words, changes=facts)
    if "kind" in changes:
        _wait(story)


def _changes(incident: Incident, correction: Correction) -> IncidentChange:
    """The fields of the incident that become different. Raises `ValidationFailed` when there are none."""
    given = {name: value for name, value in zip(_FIELDS, correction, strict=True) if value is not None}
    changes = {name: value for name, value in given.items() if value != getattr(incident, name)}
    if not changes:
        detail = Sentence("The incident is so already: leave out what is right, and name what is wrong.")
        raise ValidationFailed(detail, errors=tuple(Pointer(f"/{name}", detail) for name in given))
    return cast("IncidentChange", changes)


def _facts(incident: Incident, changes: IncidentChange) -> CorrectedFacts:
    facts = {name: {"from": getattr(incident, name), "to": value} for name, value in changes.items()}
    return cast("CorrectedFacts", facts)


def _demand_known(changes: IncidentChange, world: World, now: datetime) -> None:
    """Raises `UnknownCell` or `UnknownCategory` when the registry has no such row in force."""
    cell, category = changes.get("grid_code"), changes.get("category")
    if cell is not None and world.cell(cell, now) is None:
        raise UnknownCell(handling.unknown_cell(cell), "/grid_code")
    if category is not None and world.category(category, now) is None:
        raise UnknownCategory(handling.unknown_category(category), "/category")


def _right_route(incident: Incident, changes: IncidentChange, world: World, now: datetime) -> Route | None:
    """Whom to call instead of the called unit; None when that one stays the right one.

    A unit that people have chosen stays as long as routing finds the same unit as before: a leader's choice is binding,
    and a street's team has its call for more reasons than the category.
    """
    if not _ROUTED_BY & changes.keys() or incident.call.binding:
        return None
    level, was_at = incident.level, (incident.grid_code, incident.category)
    is_at = (changes.get("grid_code", incident.grid_code), changes.get("category", incident.category))
    right = routing.at_level(world, level, *is_at, now)
    if right.unit == incident.unit:
        return None
    was_chosen = routing.at_level(world, level, *was_at, incident.call.opened_at).unit != incident.unit
    same = routing.at_level(world, level, *was_at, now).unit == right.unit
    return None if was_chosen and same else right


def _demand_time_left(incident: Incident, now: datetime) -> None:
    """Raises `Conflict` once the deadline has passed: a unit that is called only now would be late at once, and nobody
    would have missed it."""
    if incident.due_at is not None and now >= incident.due_at:
        raise Conflict(
            Sentence(
                "The deadline passed at {due_at}, and another unit would be called: correct it once the next one has "
                "been called, in a moment.",
                due_at=incident.due_at,
            )
        )


def _demand_still_late(story: Story, before: Incident) -> None:
    """Raises `Conflict` when a unit would make a call that is late already less late: where a cap ends the call, a
    shorter box ends there as well, and less of it is used. Ops, who have no part in it, may still correct it."""
    if story.by.unit is None:
        return
    late = pinning.policy_of(story.world, before).fair_play.late
    used = fair_play.box_used(before, story.world, story.now)
    if used > late and fair_play.box_used(story.incident, story.world, story.now) < used:
        raise Conflict(
            Sentence(
                "{percent} % of the time is used, and by this correction it would be less: answer, resolve or raise it "
                "as it is, or ask ops.",
                percent=used,
            )
        )


def _call_instead(story: Story, before: Incident, route: Route, act: Act, facts: CorrectedFacts) -> None:
    """Call the right unit. Its deadlines are no later than those of the unit before."""
    left = story.leave_call(Outcome.CORRECTED, end_reason=act.words)
    story.record(EventType.INCIDENT_CORRECTED, act.words, changes=facts, **left)
    from_unit = before.call.from_unit if route.level is before.level else before.unit
    story.open_call(route, Cause.CORRECTED, from_unit=from_unit, reason=act.words, caps=_owed(before))
    moving.wake_afresh(story)


def _owed(incident: Incident) -> CapChange:
    """The latest that the deadlines of the next call may be, so that nobody gains time by a correction."""
    caps: CapChange = {}
    if incident.due_at is not None:
        caps["answer_cap"] = incident.due_at
    resolve_cap = incident.due_at if incident.state is State.ANSWERED else incident.call.resolve_cap
    if resolve_cap is not None:
        caps["resolve_cap"] = resolve_cap
    return caps


def _hasten(story: Story) -> None:
    """The running deadline becomes that of a new box for what is urgent, if that is earlier; so does the time until
    which the call has to be resolved once it is answered."""
    incident, was_due_at = story.incident, story.incident.due_at or story.now
    call, policy = incident.call, pinning.policy_of(story.world, incident)
    box = policy.box(call.level, Urgency.URGENT, incident.category)
    timer = pinning.timer_of(story.world, incident, box.clock)
    is_answered = call.answered_at is not None
    due_at = timer.due(story.now, timedelta(seconds=box.resolve_s if is_answered else box.answer_s))
    if not is_answered:
        resolve_cap = timer.due(min(due_at, was_due_at), timedelta(seconds=box.resolve_s))
        story.change_call(resolve_cap=_earlier(call.resolve_cap, resolve_cap))
    if due_at >= was_due_at:
        return
    cap: CapChange = {"resolve_cap": due_at} if is_answered else {"answer_cap": due_at}
    story.change_call(**cap)
    standing = deadlines.standing(story.incident, story.world)
    moving.set_due(story, max(standing.due_at, min(was_due_at, story.now)))
    moving.wake_afresh(story)


def _earlier(cap: datetime | None, other: datetime) -> datetime:
    return other if cap is None else min(cap, other)


def _wait(story: Story) -> None:
    """Let an incident of a kind that nobody is chased for wait, as if it had been reported so. A request that still
    waits lapses."""
    waits_s = pinning.policy_of(story.world, story.incident).parked_s(story.incident.kind)
    if not waits_s:
        return
    if story.incident.open_request is not None:
        story.change_request(outcome=Verdict.LAPSED, decided_at=story.now)
    hold = handling.hold_of_kind(story.incident, story.by, story.world, story.now, waits_s)
    story.add_request(hold)
    if hold.approver is not None and hold.approver not in story.incident.audience:
        story.change(audience=(*story.incident.audience, hold.approver))
    until = hold.until
    story.change(state=State.ON_HOLD, due_at=until, due_kind=DueKind.RESUME, wake_at=until, provisional=False)
    story.record(EventType.INCIDENT_HELD)
