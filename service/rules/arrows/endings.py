"""Arrows o and p: an incident is withdrawn, or refused as no incident (撤回 · 不予立案)."""

from __future__ import annotations

from datetime import datetime

from service.rules import fair_play
from service.rules.acts import Act
from service.rules.logged import LeavingFacts
from service.rules.model import Actor, Incident
from service.rules.sentences import Sentence
from service.rules.story import Story
from service.rules.words import Arrow, ClosedAs, Outcome
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
