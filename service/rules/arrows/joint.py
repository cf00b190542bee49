"""Assist and part done: several units at one call (主办 · 协办). The lead stays responsible: it answers and resolves.

The two have no letter, because the incident stays where it is.
"""

from __future__ import annotations

from datetime import datetime

from service.rules.arrows import handovers
from service.rules.errors import SihuError, UnknownUnit, wrong_field
from service.rules.model import Act, Actor, AssistingPart, Incident
from service.rules.story import Story
from service.rules.words import Arrow, EventType
from service.rules.world import World

MAX_ASSISTING = 20
"""Units beside the lead in one call."""


def assist(story: Story, act: Act) -> None:
    """The called unit asks further units to its side; they see the incident from now on.

    Raises:
        UnknownUnit: no such unit in force.
        ValidationFailed: one is the lead itself, assists already, belongs to a street that was never admitted for the
            category and had no part in it yet, or they are too many.
    """
    incident = story.incident
    faults = [fault for n, code in enumerate(act.units) for fault in _faults(story, incident, n, code)]
    if faults:
        raise faults[0]
    assisting = tuple(dict.fromkeys((*incident.assisting, *act.units)))
    if len(assisting) > MAX_ASSISTING:
        detail = f"At most {MAX_ASSISTING} units assist in one call, and {len(incident.assisting)} do."
        raise wrong_field("/units", detail)
    audience = tuple(dict.fromkeys((*incident.audience, *act.units)))
    story.change_call(assisting=assisting)
    story.change(assisting=assisting, audience=audience)
    story.record(EventType.CALL_ASSISTED, act.words, units=list(dict.fromkeys(act.units)))


def _faults(story: Story, incident: Incident, n: int, code: str) -> list[SihuError]:
    """Why the n-th unit named cannot assist: at most one reason."""
    pointer, unit = f"/units/{n}", story.world.unit(code, story.now)
    if unit is None:
        return [UnknownUnit(f"Unit {code} is not in force: see GET /v1/units.", pointer)]
    detail = None
    if code == incident.unit or code in incident.assisting:
        why = "leads this call" if code == incident.unit else "assists already"
        detail = f"{code} {why}: leave it out."
    elif code not in incident.audience:  # whoever had it may be asked to help with it
        detail = handovers.not_admitted(incident, unit, story.world, story.now)
    return [] if detail is None else [wrong_field(pointer, detail)]


def may_be_done(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """The guard of part done: each unit reports it once a call."""
    done = any(part.unit == actor.unit for part in incident.call.parts_done)
    return "Your part is reported as done already: comment instead." if done else None


def part_done(story: Story, act: Act) -> None:
    """An assisting unit reports its part done; nothing else moves."""
    part = AssistingPart(story.by.unit or "", story.now, act.words)
    story.change_call(parts_done=(*story.incident.call.parts_done, part))
    story.record(EventType.CALL_PART_DONE, act.words)
