"""Arrows o, p and q: an incident is withdrawn, refused as no incident, or merged into another
(撤回 · 不予立案 · 并案)."""

from __future__ import annotations

from datetime import datetime

from service.rules import fair_play
from service.rules.errors import Conflict, wrong_field
from service.rules.logged import LeavingFacts
from service.rules.model import Act, Actor, Incident
from service.rules.sentences import Sentence
from service.rules.story import Story
from service.rules.words import CALL_OPEN_STATES, Arrow, ClosedAs, EventType, Kind, Outcome, State
from service.rules.world import World


def may_withdraw(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow o: an incident is not one reporter's alone once another reporter's was merged into it."""
    others = any(each.startswith("@") for each in incident.audience)
    return Sentence("Another reporter's incident was merged into it: comment instead.") if others else None


def withdraw(story: Story, act: Act) -> None:
    """Arrow o: the reporter takes the incident back."""
    story.end_call(Outcome.CLOSED, end_code=ClosedAs.WITHDRAWN.value, end_reason=act.words)
    facts: LeavingFacts = {"box_used": story.incident.call.box_used or 0}
    if fair_play.is_late(story.incident, story.world):
        story.change_call(withdrawn_late=True)
        facts["withdrawn_late"] = True
    story.close(ClosedAs.WITHDRAWN, act.words, **facts)


def may_void(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow p: an incident that was void before cannot be voided again, nor one that a leader once
    assigned, whichever unit has it now."""
    if incident.reopened_void:
        return Sentence("It was void once, and its reporter came back: answer it, or raise it.")
    bound = any(call.binding for call in (*incident.earlier, incident.call))
    return Sentence("A leader assigned this incident: answer it, or raise it.") if bound else None


def void(story: Story, act: Act) -> None:
    """Arrow p: the called unit closes a report that is no incident, with a coded reason, once. Its reporter may
    reopen it."""
    facts = story.leave_call(Outcome.CLOSED, end_code=act.code, end_reason=act.words)
    story.close(ClosedAs.VOID, act.words, reason_code=act.code, **facts)


def merge(story: Story, act: Act) -> None:
    """Arrow q: the incident is closed into another open one. Everybody who followed the closed one follows the other
    from now on (`absorb`)."""
    if story.incident.state in CALL_OPEN_STATES:
        story.end_call(Outcome.CLOSED, end_code=ClosedAs.MERGED.value, end_reason=act.words)
    story.change(merged_into=act.into)
    story.close(ClosedAs.MERGED, act.words, into=act.into)


def demand_absorbs(target: Incident, incident: Incident) -> None:
    """The guard of arrow q on the surviving incident: a merge hides no call behind one that has further to climb.

    Raises:
        ValidationFailed, Conflict: `incident` cannot be merged into `target`.
    """
    if target.id == incident.id:
        raise wrong_field("/into", Sentence("An incident cannot be merged into itself: name the other one."))
    if not target.is_open:
        raise Conflict(_closed(target))
    if incident.kind is Kind.INCIDENT and _waits_unchased(target):
        raise Conflict(
            Sentence(
                "{number} is a {kind}, which nobody is chased for: merge it into this one instead.",
                number=target.number,
                kind=target.kind,
            )
        )
    if target.level < incident.level:
        raise Conflict(
            Sentence(
                "{number} is at level {level}, this one at level {own_level}: merge that one into this one, so that "
                "nobody is called all over again.",
                number=target.number,
                level=target.level,
                own_level=incident.level,
            )
        )


def _closed(target: Incident) -> Sentence:
    """Why a closed incident takes no other one in, and which one to name instead."""
    if target.merged_into is None:
        return Sentence("Incident {number} is closed: merge into an open one.", number=target.number)
    return Sentence(
        "Incident {number} is closed, since it was merged into {into}: name that one.",
        number=target.number,
        into=str(target.merged_into),
    )


def _waits_unchased(incident: Incident) -> bool:
    """Whether an incident is on hold for its kind alone, without anybody having decided so."""
    return incident.state is State.ON_HOLD and incident.requests[-1].decided_by is None


def absorb(merged: Incident, story: Story, act: Act) -> None:
    """Arrow q on the surviving incident, that of the story: the reporter and the units of `merged` follow it from now
    on. Its version stays as it is, since nobody who works on it has to look again."""
    target = story.incident
    own = f"@{target.reporter}"
    joining = (*merged.audience, f"@{merged.reporter}")
    audience = tuple(dict.fromkeys((*target.audience, *(each for each in joining if each != own))))
    story.change_quietly(audience=audience)
    story.record(EventType.INCIDENT_MERGED, act.words, merged=merged.id, number=merged.number)
