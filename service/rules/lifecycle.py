"""The whole mechanism on one page: which arrow leads from where, by whom, and what it does.

`report` begins an incident, and `_carry_out` alone changes one afterwards: for a person's arrow (`decide`), for an
arrow of the clock (`tick`), and for both incidents of a merge (`merge`). The letters are those of the state diagram in
the README and of contract §2; an arrow without a letter leaves the incident where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from service.rules import access
from service.rules.access import Party, Relation
from service.rules.acts import Act, Draft
from service.rules.arrows import (
    corrections,
    endings,
    floods,
    handling,
    handovers,
    holds,
    joint,
    judgements,
    merging,
    talk,
    verification,
)
from service.rules.decisions import Decision, DecisionOf
from service.rules.errors import IllegalTransition, NotYours, Pointer
from service.rules.model import CLOCK, Actor, By, Earlier, Incident, IncidentOf
from service.rules.sentences import Sentence
from service.rules.similarity import Likeness
from service.rules.spot_checks import Seeds
from service.rules.story import StoryOf
from service.rules.transition import NOBODY, ClockTransition, Transition
from service.rules.words import CALL_OPEN_STATES, OPEN_STATES, RUNNING_STATES, Arrow, DueKind, Level, State
from service.rules.world import World

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
_REPORTERS = _REPORTER | _FOLLOWER
"""Who reported the incident, or one that was merged into it."""

_ANY_STATE = frozenset(State)
_CALLING = frozenset({State.CALLING})
_ANSWERED = frozenset({State.ANSWERED})
_ON_HOLD = frozenset({State.ON_HOLD})
_RESOLVED = frozenset({State.RESOLVED})
_CLOSED = frozenset({State.CLOSED})
_UP_TO_LEVEL_2 = frozenset({Level.COMMUNITY, Level.STREET})
_LEVELS_2_AND_3 = frozenset({Level.STREET, Level.DEPARTMENT})
_UP_TO_LEVEL_3 = frozenset({Level.COMMUNITY, Level.STREET, Level.DEPARTMENT})

TRANSITIONS: Mapping[Arrow, Transition] = {
    Arrow.ANSWER: Transition("b", _CALLING, _CALLED | _MEMBER, handling.answer),
    Arrow.RESOLVE: Transition("c", RUNNING_STATES, _CALLED, handling.resolve),
    Arrow.RAISE: Transition("d", RUNNING_STATES, _CALLED, handling.raise_up, levels=_UP_TO_LEVEL_3),
    Arrow.NO_ANSWER: ClockTransition("e", _CALLING, NOBODY, handling.miss),
    Arrow.NOT_RESOLVED: ClockTransition("f", _ANSWERED, NOBODY, handling.miss),
    Arrow.RETURN: Transition(
        "g", _CALLING, _CALLED, handovers.give_back, levels=_LEVELS_2_AND_3, guard=handovers.may_return
    ),
    Arrow.ASSIGN: Transition("h", RUNNING_STATES, _CALLED | _OPS, handovers.assign, guard=handovers.may_assign),
    Arrow.HOLD: Transition("i", RUNNING_STATES, _CALLED, holds.ask, guard=holds.may_ask),
    Arrow.EXTEND: Transition("i", RUNNING_STATES, _CALLED, holds.ask, guard=holds.may_ask),
    Arrow.APPROVE: Transition(
        "i", RUNNING_STATES, _APPROVER, holds.approve, bar=holds.bars_deciding, guard=holds.may_decide
    ),
    Arrow.REFUSE: Transition(
        "i", RUNNING_STATES, _APPROVER, holds.refuse, bar=holds.bars_deciding, guard=holds.may_decide
    ),
    Arrow.RESUME: ClockTransition("j", _ON_HOLD, _CALLED | _APPROVER, holds.resume),
    Arrow.ACCEPT: Transition(
        "k",
        _RESOLVED,
        _REPORTER | _CELL | _OPS,
        verification.accept,
        never=_JUDGED,
        bar=verification.bars_accepting,
        guard=verification.may_accept,
        for_ops=_CLOSED,
    ),
    Arrow.REJECT: Transition(
        "l",
        _RESOLVED,
        _REPORTERS | _CELL | _OPS,
        verification.reject,
        never=_JUDGED,
        bar=verification.bars_rejecting,
        guard=verification.may_reject,
        for_ops=_CLOSED,
    ),
    Arrow.VERIFY_TIMEOUT: ClockTransition("m", _RESOLVED, NOBODY, verification.verify_timeout),
    Arrow.REOPEN: Transition(
        "n",
        _CLOSED,
        _REPORTERS | _STREET,
        verification.reopen,
        bar=verification.bars_reopening,
        guard=verification.may_reopen,
    ),
    Arrow.WITHDRAW: Transition("o", CALL_OPEN_STATES, _REPORTER, endings.withdraw, guard=endings.may_withdraw),
    Arrow.VOID: Transition("p", _CALLING, _CALLED, endings.void, levels=_UP_TO_LEVEL_2, guard=endings.may_void),
    Arrow.MERGE: Transition("q", CALL_OPEN_STATES, _STREET | _OPS, merging.merge, guard=merging.may_merge),
    Arrow.CORRECT: Transition("r", RUNNING_STATES, _STREET | _OPS, corrections.correct, reach=corrections.demand_own),
    Arrow.FLOOD: Transition("s", CALL_OPEN_STATES, _OPS, floods.flood),
    Arrow.ASSIST: Transition("", RUNNING_STATES, _CALLED, joint.assist),
    Arrow.PART_DONE: Transition("", CALL_OPEN_STATES, _ASSISTING, joint.part_done, guard=joint.may_be_done),
    Arrow.DECLINE: Transition("", CALL_OPEN_STATES, _ASSISTING, joint.decline, guard=joint.may_be_done),
    Arrow.RATE: Transition("", _ANY_STATE, _REPORTERS | _STREET, judgements.rate, guard=judgements.may_rate),
    Arrow.APPEAL: Transition("", _ANY_STATE, _CALLED | _AUDIENCE, judgements.appeal, guard=judgements.may_appeal),
    Arrow.APPROVE_APPEAL: Transition("", _ANY_STATE, _OPS, judgements.judge, guard=judgements.may_judge),
    Arrow.REFUSE_APPEAL: Transition("", _ANY_STATE, _OPS, judgements.judge, guard=judgements.may_judge),
    Arrow.WARNED: ClockTransition("", OPEN_STATES, NOBODY, holds.look_again),
    Arrow.RESCHEDULED: ClockTransition("", RUNNING_STATES, NOBODY, holds.reschedule),
    Arrow.COMMENT: Transition("", _ANY_STATE, _REPORTERS | _CELL | _CALLED | _AUDIENCE, talk.comment),
    Arrow.URGE: Transition("", CALL_OPEN_STATES, _REPORTERS | _CELL | _AUDIENCE, talk.urge, never=_CALLED | _MEMBER),
}
"""Every arrow of contract §2 but arrow a, which starts from no state: see `report` below."""

_CLOCK_EFFECTS = {
    arrow: (each.effect, Act(arrow)) for arrow, each in TRANSITIONS.items() if isinstance(each, ClockTransition)
}
_ARROW_AT_DEADLINE: Mapping[DueKind, Arrow] = {
    DueKind.ANSWER: Arrow.NO_ANSWER,
    DueKind.RESOLVE: Arrow.NOT_RESOLVED,
    DueKind.RESUME: Arrow.RESUME,
    DueKind.VERIFY: Arrow.VERIFY_TIMEOUT,
}


def report(draft: Draft, actor: Actor, world: World, *, incident_id: UUID, number: str, now: datetime) -> Decision:
    """Arrow a: one incident is reported and calls its first unit.

    Raises:
        NotYours, Conflict, UnknownCell, UnknownCategory: see `handling.admitted`.
    """
    new = handling.admitted(draft, actor, world, now)
    return handling.report(new, access.by_of(actor), world, incident_id=incident_id, number=number, now=now)


def authorize(
    incident: Incident, arrow: Arrow, party: Party, world: World, now: datetime, act: Act | None = None
) -> None:
    """Raises `NotYours` when this party may not use this arrow on its incident, whatever the state, or when its act
    names what it has no right to."""
    transition = TRANSITIONS[arrow]
    access.demand(party, transition.by, transition.never, arrow)
    detail = transition.bar(incident, party.actor, world, now) if transition.bar else None
    if detail is not None:
        raise NotYours(detail)
    if transition.reach is not None and act is not None:
        transition.reach(incident, act, party.actor)


def decide(incident: Incident, act: Act, party: Party, world: World, now: datetime) -> Decision:
    """Carry out a person's act on an incident: any arrow but a and those that the clock alone fires.

    `party` is the actor with its relations to this incident.

    Raises:
        NotYours: the party may not use this arrow here.
        IllegalTransition: the incident's state, level or reopening window does not allow it.
        ValidationFailed, UnknownUnit: the act names something that does not exist, or that is not possible here.
    """
    authorize(incident, act.arrow, party, world, now, act)
    detail = TRANSITIONS[act.arrow].why_not(incident, act.arrow, party.actor, world, now)
    if detail is not None:
        raise IllegalTransition(detail, state=incident.state.value, allowed=allowed(incident, party, world, now))
    return _carry_out(incident, TRANSITIONS[act.arrow].effect, act, access.by_of(party.actor), world, now)


def merge(
    incident: Incident,
    target: Incident,
    act: Act,
    party: Party,
    target_party: Party,
    likeness: Likeness,
    world: World,
    now: datetime,
) -> tuple[Decision, Decision]:
    """Arrow q on both sides: the incident is closed into `target`, which its followers follow from now on.

    `party` and `target_party` are the same actor, with its relations to each of the two incidents; `likeness` is what
    the target has in common with the incident.

    Raises:
        NotYours: the actor may not merge one of the two.
        IllegalTransition, ValidationFailed, Conflict: merging is not possible as the two incidents stand.
    """
    authorize_target(target, target_party, world, now)
    closed = decide(incident, act, party, world, now)
    merging.demand_absorbs(target, incident, likeness, party.actor)
    absorb = partial(merging.absorb, incident)
    return closed, _carry_out(target, absorb, act, access.by_of(party.actor), world, now)


def authorize_target(target: Incident, party: Party, world: World, now: datetime) -> None:
    """Raises `NotYours` when the party may not merge anything into the target."""
    merge = TRANSITIONS[Arrow.MERGE]
    if not access.may(party, merge.by, merge.never):
        detail = Sentence(
            "Only the street of its cell or ops may merge anything into incident {number}: name an incident of your "
            "own street, or ask ops.",
            number=target.number,
        )
        raise NotYours(detail, errors=(Pointer("/into", detail),))
    merging.demand_no_stake(target, party, world, now)


def flood(incident: Incident, act: Act, party: Party, world: World, now: datetime) -> Decision:
    """Arrow s, or what a flood changes of an incident that is closed already: the calls that count of it are exempt.

    Raises `NotYours` or `IllegalTransition` as `decide` does.
    """
    if not floods.is_closed_unhandled(incident):
        return decide(incident, act, party, world, now)
    authorize(incident, act.arrow, party, world, now)
    return _carry_out(incident, floods.exempt, act, access.by_of(party.actor), world, now)


def tick(
    incident: IncidentOf[Earlier], world: World, now: datetime, seeds: Seeds | None = None
) -> DecisionOf[Earlier] | None:
    """Let the clock fire one arrow: at a deadline, for a warning, or to put a deadline right; None when nothing
    changes.

    An incident climbs one level at a time: after downtime each new box starts at `now`, and the lateness is stored on
    the call that was missed. Spot checks are drawn by `seeds`; None: nothing is drawn, since it is only a plan.

    Raises:
        LookupError: the incident closes as unverified in a month that has none of the seeds.
    """
    arrow = clock_arrow(incident, world, now)
    if arrow is None:
        return None
    effect, act = _CLOCK_EFFECTS[arrow]
    decision = _carry_out(incident, effect, act, CLOCK, world, now, seeds)
    return None if decision.after == incident else decision


def clock_arrow(incident: IncidentOf[Earlier], world: World, now: datetime) -> Arrow | None:
    """The arrow that the clock fires on an incident at `now`; None when no deadline runs.

    A working-time deadline is recomputed before it fires, so a changed calendar applies.
    """
    if incident.due_at is None or incident.due_kind is None:
        return None
    now = max(now, incident.updated_at)
    if holds.must_reschedule(incident, world, now):
        return Arrow.RESCHEDULED
    return _ARROW_AT_DEADLINE[incident.due_kind] if now >= incident.due_at else Arrow.WARNED


def _carry_out(
    incident: IncidentOf[Earlier],
    effect: Callable[[StoryOf[Earlier], Act], None],
    act: Act,
    by: By,
    world: World,
    now: datetime,
    seeds: Seeds | None = None,
) -> DecisionOf[Earlier]:
    """Run one effect: the only way an incident changes.

    The clocks of two processes may differ by milliseconds; an incident's own time never runs backwards.
    """
    story = StoryOf(incident, by, world, max(now, incident.updated_at), seeds)
    effect(story, act)
    return story.decision()


def allowed(incident: Incident, party: Party, world: World, now: datetime) -> tuple[str, ...]:
    """The verbs that this party could use on its incident now, in the order of `TRANSITIONS`."""
    return tuple(arrow.value for arrow in TRANSITIONS if _could(incident, arrow, party, world, now))


def _could(incident: Incident, arrow: Arrow, party: Party, world: World, now: datetime) -> bool:
    transition = TRANSITIONS[arrow]
    if incident.state not in transition.sources_of(party.actor):
        return False
    if not access.may(party, transition.by, transition.never):
        return False
    if transition.bar is not None and transition.bar(incident, party.actor, world, now) is not None:
        return False
    return transition.why_not(incident, arrow, party.actor, world, now) is None
