"""Arrow q: an incident is merged into another one (并案), and the merge loosens nothing (contract §2).

The survivor owes at least what the merged one owed. A cap on its call says the latest that the deadline may be, and
every later reckoning keeps it (`deadlines`): a hold stops it like the box itself, an extension never passes it.

merged \\ survivor   calling                                      answered
calling             the earlier `answer_by`                      nothing, since it is answered
answered            its `resolve_by`, from the answer on,        the earlier `resolve_by`
                    at least an hour after it
on hold             as if it were resumed now: as one of the two above

A deadline that has already passed becomes this moment: the clock fires at once, and nobody is late before the merge.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from service.rules import deadlines, fair_play, pinning, workers
from service.rules.access import Party
from service.rules.acts import Act
from service.rules.arrows import moving
from service.rules.changes import CallChange
from service.rules.errors import Conflict, NotYours, Pointer, wrong_field
from service.rules.model import Actor, Incident
from service.rules.sentences import Sentence
from service.rules.similarity import Likeness
from service.rules.story import Story
from service.rules.words import (
    RUNNING_STATES,
    Arrow,
    ClosedAs,
    EventType,
    Outcome,
    Role,
    State,
    Urgency,
)
from service.rules.world import World

# --- who may, and when ------------------------------------------------------------------------------------------------


def may_merge(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow q: after the late mark of its box, the called unit itself does not end its call by a merge."""
    late = pinning.policy_of(world, incident).fair_play.late
    if actor.unit != incident.unit or fair_play.box_used(incident, world, now) <= late:
        return None
    return Sentence(
        "More than {late} % of your box is used: answer it, resolve it or raise it; ops may still merge it.", late=late
    )


def demand_no_stake(target: Incident, party: Party, world: World, now: datetime) -> None:
    """Raises `NotYours` for a unit that would merge something into its own report, or into that of a unit above or
    below it."""
    actor = party.actor
    if actor.unit is None:
        return
    if actor.subject == target.reporter or fair_play.is_of_one_side(target.reporter_unit, actor.unit, world, now):
        detail = Sentence(
            "{number} was reported by your own unit, or by one above or below it: merge it into this one instead, "
            "or ask ops.",
            number=target.number,
        )
        raise NotYours(detail, errors=(Pointer("/into", detail),))


def not_its_street(target: Incident) -> NotYours:
    """The refusal of whoever is neither ops nor the street of the target's cell."""
    detail = Sentence(
        "Only the street of its cell or ops may merge anything into incident {number}: name an incident of your "
        "own street, or ask ops.",
        number=target.number,
    )
    return NotYours(detail, errors=(Pointer("/into", detail),))


def demand_absorbs(target: Incident, incident: Incident, likeness: Likeness, actor: Actor) -> None:
    """The guard of arrow q on both incidents. Only ops may merge what is no candidate of the other.

    What was reported in confidence stands alone: whoever reported the other one would see it, hear of it and speak on
    it from then on, and might be the one whom it accuses.

    Raises:
        ValidationFailed, Conflict: `incident` cannot be merged into `target`.
    """
    if target.id == incident.id:
        raise wrong_field("/into", Sentence("An incident cannot be merged into itself: name the other one."))
    if incident.confidential:
        raise Conflict(Sentence("{number} is confidential: handle it by itself.", number=incident.number))
    if target.state not in RUNNING_STATES:
        raise Conflict(_not_running(target))
    detail = _mismatch(target, incident, likeness)
    if detail is None and not likeness.is_candidate and actor.role is not Role.OPS:
        detail = Sentence(
            "{number} is no candidate for a merge: name one of GET /v1/incidents/{incident}/similar, or ask ops.",
            number=target.number,
            incident=str(incident.id),
        )
    if detail is not None:
        raise wrong_field("/into", detail)


def _mismatch(target: Incident, incident: Incident, likeness: Likeness) -> Sentence | None:
    """Why the target is confidential, of the wrong line, or at the wrong level: a merge hides no call behind one that
    has further to climb."""
    if target.confidential:
        return Sentence("{number} is confidential: name another incident.", number=target.number)
    if not likeness.same_line:
        return Sentence("{number} is of another line of work: name an incident of the same line.", number=target.number)
    if target.level < incident.level:
        return Sentence(
            "{number} is at level {level}, this one at level {own_level}: merge that one into this one, so that "
            "nobody is called all over again.",
            number=target.number,
            level=target.level,
            own_level=incident.level,
        )
    return None


def _not_running(target: Incident) -> Sentence:
    """Why an incident of which no box runs takes no other one in, and which one to name instead."""
    if target.merged_into is not None:
        return Sentence(
            "Incident {number} is closed, since it was merged into {into}: name that one.",
            number=target.number,
            into=str(target.merged_into),
        )
    if not target.is_open:
        return Sentence("Incident {number} is closed: merge into an open one.", number=target.number)
    return Sentence(
        "Incident {number} is {state}: merge into one that is calling or answered.",
        number=target.number,
        state=target.state,
    )


# --- the merged one ---------------------------------------------------------------------------------------------------


def merge(story: Story, act: Act) -> None:
    """Arrow q: the incident is closed into another open one. Everybody who followed the closed one follows the other
    from now on (`absorb`)."""
    story.end_call(Outcome.CLOSED, end_code=ClosedAs.MERGED.value, end_reason=act.words)
    story.change(merged_into=act.into)
    story.close(ClosedAs.MERGED, act.words, into=act.into)


# --- the survivor -----------------------------------------------------------------------------------------------------


class Owed(NamedTuple):
    """The moments by which an incident owes an answer and a resolution. `answer_by` is None once it is answered;
    `resolve_by` is None where the resolve box begins with the answer, and nothing else limits it."""

    answer_by: datetime | None
    resolve_by: datetime | None


def debt_of(incident: Incident, world: World, now: datetime) -> Owed:
    """What an open call owes at `now`: of one on hold, as if it were resumed."""
    call = incident.call
    if incident.state is State.ON_HOLD:
        due_at = deadlines.due_if_resumed(incident, world, now)
        call = call._replace(**deadlines.caps_after_hold(incident, world, now))
    else:
        due_at = deadlines.standing(incident, world).due_at
    due_at = max(due_at, now)
    return Owed(due_at, call.resolve_cap) if call.answered_at is None else Owed(None, due_at)


def absorb(merged: Incident, story: Story, act: Act) -> None:
    """Arrow q on the surviving incident, that of the story: the reporter and the units of `merged` follow it from now
    on, and it owes what `merged` owed. Its version stays as it is unless its call or its urgency changes."""
    _welcome(merged, story)
    caps = _caps(story, debt_of(merged, story.world, story.now))
    if caps:
        story.change_call(**caps)
    story.record(EventType.INCIDENT_MERGED, act.words, merged=merged.id, number=merged.number)
    was_due_at, cap = story.incident.due_at, deadlines.cap_of(story.incident.call)
    if was_due_at is not None and cap is not None and cap < was_due_at:
        moving.set_due(story, max(deadlines.standing(story.incident, story.world).due_at, story.now))
        moving.wake(story, story.incident.warned)
        story.record(EventType.CALL_RESCHEDULED, was_due_at=was_due_at, provisional=story.incident.provisional)


def _welcome(merged: Incident, story: Story) -> None:
    """The audience of the merged one joins that of the survivor, and the higher urgency counts for later calls."""
    target = story.incident
    own = workers.tokens_of(target.reporter)
    joining = (*merged.audience, *workers.tokens_of(merged.reporter))
    audience = tuple(dict.fromkeys((*target.audience, *(each for each in joining if each not in own))))
    story.change_quietly(audience=audience)
    if merged.urgency is Urgency.URGENT and target.urgency is not Urgency.URGENT:
        if target.call.urgency is None:  # from before it was stored: the open call keeps what it was opened with
            story.change_call(urgency=target.urgency)
        story.change(urgency=Urgency.URGENT)


def _caps(story: Story, debt: Owed) -> CallChange:
    """The caps of the survivor's call that become earlier, or are new."""
    call = story.incident.call
    changes: CallChange = {}
    answer_cap, resolve_cap = debt.answer_by, debt.resolve_by
    if call.answered_at is None:
        if answer_cap is not None and (call.answer_cap is None or answer_cap < call.answer_cap):
            changes["answer_cap"] = answer_cap
    elif debt.answer_by is not None and resolve_cap is not None:  # not answered yet: as if it were answered now
        resolve_cap = deadlines.cap_after_answer(story.incident, story.world, resolve_cap, story.now)
    if resolve_cap is not None and (call.resolve_cap is None or resolve_cap < call.resolve_cap):
        changes["resolve_cap"] = resolve_cap
    return changes
