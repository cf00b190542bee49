"""The whole mechanism on one page: which arrow leads from where to where, by whom, and what it does.

`decide` is the only way an incident changes, for people and for the clock alike; `report` is the only way one begins;
`plan` runs the clock's arrows ahead. Letters are those of the state diagram in the README and of contract §2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from service.rules import access, deadlines
from service.rules.access import Relation
from service.rules.arrows import effects, handovers, holds, joint, judgements
from service.rules.errors import Conflict, IllegalTransition, NotYours, UnknownCategory, UnknownCell
from service.rules.model import CLOCK, Act, Actor, Decision, Draft, Incident
from service.rules.story import Story
from service.rules.words import CALL_OPEN_STATES, Arrow, ClockKind, ClosedAs, DueKind, EventType, Level, State
from service.rules.world import World

Effect = Callable[[Story, Act], None]
Guard = Callable[[Incident, Arrow, Actor, World, datetime], str | None]
"""Why an arrow that its state allows is still not possible now for this actor, in words for a person; None when it
is."""

_NOBODY: frozenset[Relation] = frozenset()
_CALLED = frozenset({Relation.CALLED_UNIT})
_JUDGED = frozenset({Relation.CALLED_UNIT, Relation.RESOLVER})
_CELL = frozenset({Relation.CELL_COMMUNITY, Relation.CELL_STREET})
_REPORTER = frozenset({Relation.REPORTER})
_STREET = frozenset({Relation.CELL_STREET})
_APPROVER = frozenset({Relation.APPROVER})
_OPS = frozenset({Relation.OPS})
_MEMBER = frozenset({Relation.MEMBER})
_AUDIENCE = frozenset({Relation.AUDIENCE})
_ASSISTING = frozenset({Relation.ASSISTING})
_FOLLOWER = frozenset({Relation.FOLLOWER})

_CALLING = frozenset({State.CALLING})
_ANSWERED = frozenset({State.ANSWERED})
_RUNNING = _CALLING | _ANSWERED
_RESOLVED = frozenset({State.RESOLVED})
_CLOSED = frozenset({State.CLOSED})
_TO_LEVEL_2 = frozenset({Level.COMMUNITY, Level.STREET})
_LEVELS_2_AND_3 = frozenset({Level.STREET, Level.DEPARTMENT})
_TO_LEVEL_3 = frozenset({Level.COMMUNITY, Level.STREET, Level.DEPARTMENT})
_ANY_LEVEL = frozenset(Level)


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow. `by` empty: the clock alone. `never`: relations that bar an actor even if `by` holds.

    `effect` None: the clock does it by the way (`holds.look_again`), and nobody is offered it.
    """

    letter: str
    sources: frozenset[State]
    by: frozenset[Relation]
    effect: Effect | None
    levels: frozenset[Level] = _ANY_LEVEL
    never: frozenset[Relation] = _NOBODY
    guard: Guard | None = None


TRANSITIONS: Mapping[Arrow, Transition] = {
    Arrow.ANSWER: Transition("b", _CALLING, _CALLED | _MEMBER, effects.answer),
    Arrow.RESOLVE: Transition("c", _RUNNING, _CALLED, effects.resolve),
    Arrow.RAISE: Transition("d", _RUNNING, _CALLED, effects.raise_up, levels=_TO_LEVEL_3),
    Arrow.NO_ANSWER: Transition("e", _CALLING, _NOBODY, effects.missed),
    Arrow.NOT_RESOLVED: Transition("f", _ANSWERED, _NOBODY, effects.missed),
    Arrow.RETURN: Transition(
        "g", _CALLING, _CALLED, handovers.give_back, levels=_LEVELS_2_AND_3, guard=handovers.may_return
    ),
    Arrow.ASSIGN: Transition("h", _RUNNING, _CALLED | _OPS, handovers.assign, guard=handovers.may_assign),
    Arrow.HOLD: Transition("i", _RUNNING, _CALLED, holds.ask, guard=holds.may_ask),
    Arrow.EXTEND: Transition("i", _RUNNING, _CALLED, holds.ask, guard=holds.may_ask),
    Arrow.APPROVE: Transition("i", _RUNNING, _APPROVER, holds.approve, guard=holds.may_decide),
    Arrow.REFUSE: Transition("i", _RUNNING, _APPROVER, holds.refuse, guard=holds.may_decide),
    Arrow.RESUME: Transition("j", frozenset({State.ON_HOLD}), _CALLED | _APPROVER, holds.resume),
    Arrow.ACCEPT: Transition("k", _RESOLVED, _REPORTER | _CELL, effects.accept, never=_JUDGED),
    Arrow.REJECT: Transition("l", _RESOLVED, _REPORTER | _CELL, effects.reject, never=_JUDGED),
    Arrow.VERIFY_TIMEOUT: Transition("m", _RESOLVED, _NOBODY, effects.verify_timeout),
    Arrow.REOPEN: Transition("n", _CLOSED, _REPORTER | _STREET, effects.reopen, guard=effects.may_reopen),
    Arrow.WITHDRAW: Transition("o", CALL_OPEN_STATES, _REPORTER, effects.withdraw, guard=effects.may_withdraw),
    Arrow.VOID: Transition("p", _CALLING, _CALLED, handovers.void, levels=_TO_LEVEL_2, guard=handovers.may_void),
    Arrow.MERGE: Transition("q", frozenset(State) - _CLOSED, _STREET | _OPS, handovers.merge),
    Arrow.ASSIST: Transition("", _RUNNING, _CALLED, joint.assist),
    Arrow.PART_DONE: Transition("", CALL_OPEN_STATES, _ASSISTING, joint.part_done, guard=joint.may_be_done),
    Arrow.RATE: Transition("", frozenset(State), _REPORTER | _STREET, judgements.rate, guard=judgements.may_rate),
    Arrow.APPEAL: Transition("", frozenset(State), _CALLED | _AUDIENCE, judgements.appeal, guard=judgements.may_appeal),
    Arrow.APPROVE_APPEAL: Transition(
        "", frozenset(State), _STREET | _OPS, judgements.judge, guard=judgements.may_judge
    ),
    Arrow.REFUSE_APPEAL: Transition("", frozenset(State), _STREET | _OPS, judgements.judge, guard=judgements.may_judge),
    Arrow.WARNED: Transition("", _RUNNING, _NOBODY, None),
    Arrow.COMMENT: Transition(
        "", frozenset(State), _REPORTER | _CELL | _CALLED | _AUDIENCE | _FOLLOWER, effects.comment
    ),
    Arrow.URGE: Transition(
        "", CALL_OPEN_STATES, _REPORTER | _CELL | _AUDIENCE | _FOLLOWER, effects.urge, never=_CALLED | _MEMBER
    ),
}
"""Contract §2. Arrow a (report) has no source and is `report` below."""

CLOCK_ARROWS: Mapping[DueKind, Arrow] = {
    DueKind.ANSWER: Arrow.NO_ANSWER,
    DueKind.RESOLVE: Arrow.NOT_RESOLVED,
    DueKind.RESUME: Arrow.RESUME,
    DueKind.VERIFY: Arrow.VERIFY_TIMEOUT,
}
"""Which arrow the clock fires when a deadline of this kind passes."""
_MISSED = frozenset({Arrow.NO_ANSWER, Arrow.NOT_RESOLVED})
_CLOCK_ACTS = {kind: Act(arrow) for kind, arrow in CLOCK_ARROWS.items()}


def report(draft: Draft, actor: Actor, world: World, *, incident_id: UUID, number: str, now: datetime) -> Decision:
    """Arrow a: one incident is reported and calls its first unit.

    Raises:
        NotYours: the cell lies outside the actor's area.
        Conflict: no registry was imported.
        UnknownCell, UnknownCategory: the registry has no such row in force at `now`.
    """
    if draft.grid_code is None:
        raise UnknownCell("This location lies in no known grid cell: name the grid_code as well.", "/location")
    access.may_report_in(actor, draft.grid_code)
    policy = world.active(now)
    if not world.cells or policy is None:
        raise Conflict("No registry is imported yet: ops do it with `sihu registry import DIR`. Then send it again.")
    if world.cell(draft.grid_code, now) is None:
        raise UnknownCell(f"Grid cell {draft.grid_code} is not in the registry: see GET /v1/grid-cells.", "/grid_code")
    category = world.category(draft.category, now)
    if category is None:
        raise UnknownCategory(f"Category {draft.category} is not in the registry: see GET /v1/categories.", "/category")
    return effects.report(
        draft,
        draft.grid_code,
        draft.urgency or category.urgency,
        access.by_of(actor),
        world,
        policy,
        incident_id=incident_id,
        number=number,
        now=now,
    )


def authorize(incident: Incident, arrow: Arrow, actor: Actor) -> None:
    """Raises `NotYours` when this actor may not use this arrow on this incident, whatever its state."""
    transition = TRANSITIONS[arrow]
    access.demand(transition.by, transition.never, access.relations(actor, incident), arrow.value)
    if arrow is Arrow.REOPEN and incident.closed_as is ClosedAs.VOID and actor.subject != incident.reporter:
        raise NotYours("Only its reporter may reopen an incident that was closed as void.")


def decide(incident: Incident, act: Act, actor: Actor, world: World, now: datetime) -> Decision:
    """What a person's act does to an incident (every arrow but a and the clock's).

    Raises:
        NotYours: the actor may not use this arrow here.
        IllegalTransition: the incident's state, level or reopening window does not allow it.
        ValidationFailed, UnknownUnit: what the act names is not there, or not possible.

    Two processes' clocks may differ by milliseconds; an incident's own time never runs backwards.
    """
    authorize(incident, act.arrow, actor)
    transition = TRANSITIONS[act.arrow]
    why_not = _why_not(incident, act.arrow, actor, world, now)
    if why_not is not None or transition.effect is None:
        detail = why_not or f"{act.arrow.value} is not available yet."
        verbs = allowed(incident, actor, world, now)
        raise IllegalTransition(detail, state=incident.state.value, allowed=verbs)
    story = Story(incident, access.by_of(actor), world, max(now, incident.updated_at))
    transition.effect(story, act)
    return story.told()


def merge(
    incident: Incident, target: Incident, act: Act, actor: Actor, world: World, now: datetime
) -> tuple[Decision, Decision]:
    """Arrow q for both sides: the incident is closed into `target`, which from now on its followers follow.

    Raises:
        NotYours: the actor may not merge one of the two.
        IllegalTransition, ValidationFailed, Conflict: not possible as they stand.
    """
    authorize(incident, Arrow.MERGE, actor)
    authorize(target, Arrow.MERGE, actor)
    closed = decide(incident, act, actor, world, now)
    handovers.may_absorb(target, incident)
    story = Story(target, access.by_of(actor), world, max(now, target.updated_at))
    handovers.absorb(story, incident, act.words)
    return closed, story.told()


def tick(incident: Incident, world: World, now: datetime) -> Decision | None:
    """What the passing of time does: one deadline, one warning, or a deadline put right; None when it is nothing.

    One level at a time: after downtime each new box starts at `now`, and the lateness is on the call that was missed.
    A deadline in working time is looked at once more before it fires, so that a calendar that changed wins; it never
    makes a deadline that has come an earlier one.
    """
    if incident.due_at is None or incident.due_kind is None:
        return None
    now = max(now, incident.updated_at)  # of two processes' clocks the later counts
    story = Story(incident, CLOCK, world, now)
    if incident.call.clock is ClockKind.WORKING and incident.state in _RUNNING:
        standing = deadlines.standing(incident, world)
        moved = (standing.due_at, standing.provisional) != (incident.due_at, incident.provisional)
        if moved and not standing.due_at < incident.due_at <= now:
            holds.reschedule(story, standing.due_at)
            return story.told()
    if now >= incident.due_at:
        _fire(story, incident.due_kind)
        return story.told()
    holds.look_again(story)
    return None if story.incident == incident else story.told()


def _fire(story: Story, due_kind: DueKind) -> None:
    act = _CLOCK_ACTS[due_kind]
    effect = TRANSITIONS[act.arrow].effect
    if effect is None:
        raise NotImplementedError(f"the clock cannot fire {act.arrow.value} yet")
    effect(story, act)


def allowed(incident: Incident, actor: Actor, world: World, now: datetime) -> tuple[str, ...]:
    """The verbs this actor could use on this incident now, in the order of the table."""
    return tuple(arrow.value for arrow in TRANSITIONS if _could(incident, arrow, actor, world, now))


def _could(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> bool:
    if TRANSITIONS[arrow].effect is None or _why_not(incident, arrow, actor, world, now) is not None:
        return False
    try:
        authorize(incident, arrow, actor)
    except NotYours:
        return False
    return True


def _why_not(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """Why this arrow does not lead from here now for this actor; None when it does."""
    transition = TRANSITIONS[arrow]
    if incident.state not in transition.sources:
        return f"The incident is {incident.state.value}: {arrow.value} needs {_or(transition.sources)}."
    if incident.level not in transition.levels:
        levels = " or ".join(str(level.value) for level in sorted(transition.levels))
        return f"The incident is at level {incident.level}: {arrow.value} is possible at level {levels}."
    return transition.guard(incident, arrow, actor, world, now) if transition.guard else None


def _or(states: frozenset[State]) -> str:
    return " or ".join(state.value for state in State if state in states)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a plan: at this instant the clock fires this arrow; level and unit are those after it."""

    at: datetime
    arrow: Arrow
    level: Level
    unit: str
    because: str


def plan(incident: Incident, world: World, now: datetime) -> tuple[Step, ...]:
    """What happens next if nobody acts, by the engine's own rule, to the first re-call at level 4 or a close."""
    steps: list[Step] = []
    while incident.due_at is not None and incident.due_kind is not None:
        at = max(min(incident.wake_at or incident.due_at, incident.due_at), incident.updated_at, now)
        level = incident.level
        decision = tick(incident, world, at)
        if decision is None:
            break
        arrow = CLOCK_ARROWS[incident.due_kind] if at >= incident.due_at else Arrow.WARNED
        incident = decision.after
        if (
            decision.events and decision.events[0].type != EventType.CALL_RESCHEDULED
        ):  # put right on the way: nothing happens
            steps.append(Step(at, arrow, incident.level, incident.unit, decision.because))
        if level is Level.LEADER and arrow in _MISSED:
            break
    return tuple(steps)
