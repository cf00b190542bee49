"""Assist, part done and decline: several units at one call (主办 · 协办). The lead unit stays responsible: it answers
and resolves.

None of these arrows has a letter, because the incident stays where it is.
"""

from __future__ import annotations

from datetime import datetime

from service.rules.acts import Act
from service.rules.arrows import handovers
from service.rules.errors import Rule, SihuError, UnknownUnit, wrong_field
from service.rules.model import Actor, AssistingPart, Incident
from service.rules.sentences import Sentence
from service.rules.story import Story
from service.rules.words import Arrow, EventType, Ground, UnitKind
from service.rules.world import World

MAX_ASSISTING = 20
"""The most units that may assist in one call."""


def assist(story: Story, act: Act) -> None:
    """The called unit asks further units to assist in the call; they see the incident from now on.

    Raises:
        UnknownUnit: no such unit is in force.
        ValidationFailed: a unit leads the call or assists already, or is above the call; it belongs to a street for
            which the category was never admitted, and had no part in the incident yet; it is a partner, and the
            incident is confidential; or too many would assist.
    """
    incident = story.incident
    faults = [fault for n, code in enumerate(act.units) for fault in _faults(story, incident, n, code)]
    if faults:
        raise faults[0]
    assisting = tuple(dict.fromkeys((*incident.assisting, *act.units)))
    if len(assisting) > MAX_ASSISTING:
        detail = Sentence(
            "At most {most} units assist in one call, and {count} {count:does|do} already: name fewer.",
            most=MAX_ASSISTING,
            count=len(incident.assisting),
        )
        raise wrong_field("/units", detail, Rule.TOO_LONG, max=MAX_ASSISTING)
    audience = tuple(dict.fromkeys((*incident.audience, *act.units)))
    call = incident.call
    story.change_call(
        assisting=tuple(dict.fromkeys((*call.assisting, *act.units))),
        declined=tuple(unit for unit in call.declined if unit not in act.units),
    )
    story.change(assisting=assisting, audience=audience)
    story.record(EventType.CALL_ASSISTED, act.words, units=list(dict.fromkeys(act.units)))


def _faults(story: Story, incident: Incident, n: int, code: str) -> list[SihuError]:
    """The reason why the n-th unit of the list cannot assist, if there is one: never more than one."""
    pointer, unit = f"/units/{n}", story.world.unit(code, story.now)
    if unit is None:
        return [UnknownUnit(handovers.not_in_force(code), pointer)]
    detail = None
    if code == incident.unit:
        detail = Sentence("{unit} leads this call: leave it out.", unit=code)
    elif incident.confidential and unit.kind is UnitKind.PARTNER:
        detail = Sentence("{unit} is a partner, and the incident is confidential: leave it out.", unit=code)
    elif code in incident.assisting:
        detail = Sentence("{unit} assists already: leave it out.", unit=code)
    elif unit.level is not None and unit.level > incident.level:
        detail = Sentence(
            "{unit} is at level {level}, above this call: raise it instead. With the ground joint_action a raise names "
            "the departments that are to assist.",
            unit=code,
            level=unit.level,
        )
    elif code not in incident.audience:  # a unit that had a part in the incident may always be asked
        detail = handovers.not_admitted(incident, unit, story.world, story.now)
    return [] if detail is None else [wrong_field(pointer, detail)]


def departments(story: Story, act: Act, called: str) -> tuple[str, ...]:
    """The departments that assist the call to `called` from the start, as a raise for joint action names them. The
    called one itself is there anyway.

    Raises:
        UnknownUnit: no such unit is in force.
        ValidationFailed: a unit is no department, or the one that raises; or the raise has another ground.
    """
    if act.units and act.ground is not Ground.JOINT_ACTION:
        raise wrong_field("/units", ONLY_TOGETHER, Rule.NOT_ALLOWED)
    for n, code in enumerate(act.units):
        unit = story.world.unit(code, story.now)
        if unit is None:
            raise UnknownUnit(handovers.not_in_force(code), f"/units/{n}")
        if code == story.incident.unit:
            raise wrong_field(f"/units/{n}", Sentence("{unit} raises this call itself: leave it out.", unit=code))
        if unit.kind is not UnitKind.DEPARTMENT:
            detail = Sentence(
                "{unit} is a {kind}: a raise names departments; whoever is called asks others to assist.",
                unit=code,
                kind=unit.kind,
            )
            raise wrong_field(f"/units/{n}", detail)
    return tuple(dict.fromkeys(code for code in act.units if code != called))


ONLY_TOGETHER = Sentence("Only a raise with the ground joint_action names units: leave them out, or raise it for that.")


def may_be_done(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of part done and decline: each assisting unit reports its part once a call, and then stands by it."""
    done = any(part.unit == actor.unit for part in incident.call.parts_done)
    return Sentence("Your part is reported as done already: comment instead.") if done else None


def part_done(story: Story, act: Act) -> None:
    """An assisting unit reports that its part is done. Nothing else changes."""
    part = AssistingPart(story.by.unit or "", story.now, act.words)
    story.change_call(parts_done=(*story.incident.call.parts_done, part))
    story.record(EventType.CALL_PART_DONE, act.words)


def decline(story: Story, act: Act) -> None:
    """An assisting unit says that it will not: it assists no longer, and goes on seeing the incident."""
    incident, unit = story.incident, story.by.unit or ""
    story.change_call(declined=(*incident.call.declined, unit))
    story.change(assisting=tuple(each for each in incident.assisting if each != unit))
    story.record(EventType.CALL_DECLINED, act.words)
