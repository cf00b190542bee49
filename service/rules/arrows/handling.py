"""Arrows a to f: an incident is reported, answered, resolved, raised by hand, or raised by the clock
(发现 · 应答 · 办结 · 上呼 · 超时上呼)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import UUID

from service.rules import access, approval, deadlines, fair_play, pinning, routing
from service.rules.acts import Act, Draft
from service.rules.arrows import joint, moving
from service.rules.decisions import Decision, DecisionOf, Event
from service.rules.errors import Conflict, Rule, UnknownCategory, UnknownCell, wrong_field
from service.rules.logged import EventFacts
from service.rules.model import Actor, By, Call, Earlier, Incident, IncidentOf, Request
from service.rules.policy import Policy
from service.rules.routing import Route
from service.rules.sentences import Sentence
from service.rules.story import Story, StoryOf, box_start, opening_facts, with_one_more
from service.rules.words import (
    Arrow,
    Cause,
    Credit,
    DueKind,
    EventType,
    Ground,
    Kind,
    Outcome,
    RequestKind,
    Role,
    State,
    Urgency,
    Verdict,
)
from service.rules.world import Category, World


class Admitted(NamedTuple):
    """A draft that may become an incident: its cell, the kind and the urgency with which it runs, and the policy it is
    pinned to."""

    draft: Draft
    grid_code: str
    kind: Kind
    urgency: Urgency
    policy: Policy

    def set_aside(self) -> EventFacts:
        """The facts of what the report asked for, where its category or its reporter may not have that."""
        facts: EventFacts = {}
        if self.draft.urgency not in (None, self.urgency):
            facts["urgency_asked"] = self.draft.urgency
        if self.draft.kind is not self.kind:
            facts["kind_asked"] = self.draft.kind
        return facts


def admitted(draft: Draft, actor: Actor, world: World, now: datetime) -> Admitted:
    """The guard of arrow a: the actor may report in the cell, and the registry knows the cell and the category.

    Raises:
        NotYours: the cell lies outside the actor's area.
        Conflict: no registry was imported, or no policy is in force yet.
        UnknownCell, UnknownCategory: the registry has no such row in force at `now`.
    """
    if draft.grid_code is None:
        raise UnknownCell(
            Sentence("This location lies in no known grid cell: name the grid_code as well."), "/location"
        )
    access.may_report_in(actor, draft.grid_code)
    policy = world.active(now)
    if not world.cells or policy is None:
        raise Conflict(_not_ready(world, now))
    if world.cell(draft.grid_code, now) is None:
        raise UnknownCell(unknown_cell(draft.grid_code), "/grid_code")
    category = world.category(draft.category, now)
    if category is None:
        raise UnknownCategory(unknown_category(draft.category), "/category")
    return Admitted(draft, draft.grid_code, _kind(draft, actor, category), _urgency(draft, category), policy)


def _not_ready(world: World, now: datetime) -> Sentence:
    """Why nothing can be reported at `now`: the registry is empty, or begins later, as behind a clock put back."""
    if world.cells and world.activations:
        since = world.activations[0].at
        return Sentence(
            "It is {now} here, and the first policy begins at {since}: report from then on.", now=now, since=since
        )
    return Sentence("No registry is imported yet: ops do it with `sihu registry import DIR`. Then send it again.")


def _urgency(draft: Draft, category: Category) -> Urgency:
    """The urgency of a new incident: what its report asks for if the category allows that, else the category's own."""
    wanted = draft.urgency or category.urgency
    return wanted if not category.urgencies or wanted in category.urgencies else category.urgency


def _kind(draft: Draft, actor: Actor, category: Category) -> Kind:
    """The kind of a new incident: what its report asks for, unless the category does not allow that, or a unit reports,
    which would put off its own work."""
    is_allowed = actor.role is not Role.UNIT and (not category.kinds or draft.kind in category.kinds)
    return draft.kind if is_allowed else Kind.INCIDENT


def unknown_cell(code: str) -> Sentence:
    """What to do about a cell that the registry does not have."""
    return Sentence("Grid cell {cell} is not in the registry: see GET /v1/grid-cells.", cell=code)


def unknown_category(code: str) -> Sentence:
    """What to do about a category that the registry does not have."""
    return Sentence("Category {category} is not in the registry: see GET /v1/categories.", category=code)


def report(new: Admitted, by: By, world: World, *, incident_id: UUID, number: str, now: datetime) -> Decision:
    """Arrow a: the incident begins and calls the community of its cell; a suggestion or deliberation waits there
    first."""
    route = routing.first(world, new.grid_code, new.draft.category, now)
    incident = _new_incident(new, route, by, world, incident_id, number, now)
    waits_s = new.policy.parked_s(new.kind)
    opening = opening_facts(incident.call)
    if waits_s:
        opening["answer_by"] = incident.call.answer_by
        incident = _parked(incident, by, waits_s, world)
    facts = {EventType.INCIDENT_REPORTED: new.set_aside() or None, EventType.CALL_OPENED: opening}
    types = [
        EventType.INCIDENT_REPORTED,
        *((EventType.CALL_UNROUTED,) if route.unrouted else ()),
        EventType.CALL_OPENED,
        *((EventType.INCIDENT_HELD,) if waits_s else ()),
    ]
    events = tuple(Event(each, n, now, incident, 1, by, facts=facts.get(each)) for n, each in enumerate(types, start=1))
    after = incident._replace(sequence=len(events))
    return DecisionOf(None, after, (), incident.call, events, route.because, *incident.requests)


def _new_incident(
    new: Admitted, route: Route, by: By, world: World, incident_id: UUID, number: str, now: datetime
) -> Incident:
    """A new incident with its first call, whose answer box runs."""
    policy, draft = new.policy, new.draft
    key = (policy.code, policy.version)
    box = policy.box(route.level, new.urgency, draft.category)
    answer_by = world.timer(key, box.clock).due(now, timedelta(seconds=box.answer_s))
    cause = Cause.UNROUTED if route.unrouted else Cause.REPORT
    call = Call(1, route.level, 1, route.unit, None, cause, now, answer_by, box.clock, urgency=new.urgency)
    call = call._replace(category=draft.category)
    return IncidentOf(
        id=incident_id,
        number=number,
        kind=new.kind,
        state=State.CALLING,
        level=route.level,
        unit=route.unit,
        grid_code=new.grid_code,
        category=draft.category,
        urgency=new.urgency,
        reporter=draft.reporter,
        policy=key,
        reported_at=now,
        updated_at=now,
        call=fair_play.mark(call, by.unit, None, world),
        earlier=(),
        calls_per_level=with_one_more((0, 0, 0, 0), route.level),
        audience=(route.unit,),
        reporter_unit=by.unit,
        confidential=draft.confidential,
        **box_start(world, key, box.clock, now, answer_by, DueKind.ANSWER, box.answer_s),
    )


def _parked(incident: Incident, by: By, waits_s: int, world: World) -> Incident:
    """A new suggestion or deliberation: nobody is chased for it, so it waits on hold at its community.

    Its deadline is the longest time that the policy lets it wait (contract §1, kind). After the hold it is called like
    any incident.
    """
    hold = hold_of_kind(incident, by, world, incident.reported_at, waits_s)
    until = hold.until
    waiting = incident._replace(due_at=until, due_kind=DueKind.RESUME, wake_at=until, provisional=False)
    return waiting._replace(state=State.ON_HOLD, requests=(hold,))


def hold_of_kind(incident: Incident, by: By, world: World, now: datetime, waits_s: int) -> Request:
    """The hold in which an incident waits because of its kind. Nobody has decided it."""
    return Request(
        n=len(incident.requests) + 1,
        kind=RequestKind.HOLD,
        call=incident.call.seq,
        until=now + timedelta(seconds=waits_s),
        reason=incident.kind.value,
        asked_by=by,
        asked_at=now,
        decided_at=now,
        outcome=Verdict.APPROVED,
        box=DueKind.ANSWER if incident.call.answered_at is None else DueKind.RESOLVE,
        approver=approval.approver(incident, world, now),
    )


def answer(story: Story, act: Act) -> None:
    """Arrow b: the called unit takes the call on, and its resolve box starts.

    Raises:
        ValidationFailed: the unit promises an instant that has passed.
    """
    if act.until is not None and act.until <= story.now:
        detail = Sentence("It is {now} already: promise a later time, or leave promised_by out.", now=story.now)
        raise wrong_field("/promised_by", detail, Rule.NOT_IN_FUTURE, min=story.now)
    _take_on(story, dict(act.answer or {}), act.words)


def _take_on(story: Story, content: Mapping[str, Any] | None, words: str | None = None) -> None:
    incident, now = story.incident, story.now
    clock, box_s = incident.call.clock, deadlines.boxes_of(incident.call, incident, story.world).resolve_s
    resolve_by = pinning.timer_of(story.world, incident, clock).due(now, timedelta(seconds=box_s))
    took_us, cap = deadlines.taken_us(incident, now), incident.call.resolve_cap
    if cap is not None:
        if deadlines.leaves_an_hour(incident.call, cap, now):
            cap = deadlines.cap_after_answer(incident, story.world, cap, now)
        resolve_by = min(resolve_by, cap)
        story.change_call(resolve_cap=cap)
    story.change_call(answered_at=now, resolve_by=resolve_by, answer=content, answer_us=took_us)
    facts: EventFacts = {}
    if story.by.unit != incident.unit:
        story.change_call(answered_by_member=True)
        facts["answered_by_member"] = True
    if (forgiven := fair_play.forgiven_exit(incident)) is not None:
        story.change_call_numbered(forgiven.seq, late_exit=False)
        facts["forgives"] = forgiven.seq
    key = pinning.key_of(story.world, incident)
    running = box_start(story.world, key, clock, now, resolve_by, DueKind.RESOLVE, box_s)
    story.change(state=State.ANSWERED, **running)
    if cap is not None:
        moving.wake_afresh(story)
    story.record(EventType.CALL_ANSWERED, words, **facts)


def resolve(story: Story, act: Act) -> None:
    """Arrow c: the called unit reports that it is done, and the verify box of the calling side starts. A call that was
    not answered yet is answered in the same instant."""
    if story.incident.state is State.CALLING:
        _take_on(story, None)
    incident, now = story.incident, story.now
    story.end_call(
        Outcome.RESOLVED,
        result=act.words,
        attachments=act.attachments,
        resolve_us=deadlines.taken_us(incident, now),
        credit=Credit.PENDING,
    )
    verify_s = pinning.policy_of(story.world, story.incident).verify_s
    verify_by = story.now + timedelta(seconds=verify_s)
    story.change(state=State.RESOLVED, due_at=verify_by, due_kind=DueKind.VERIFY, wake_at=verify_by, provisional=False)
    story.record(EventType.INCIDENT_RESOLVED, act.words, box_used=story.incident.call.box_used or 0)


def raise_up(story: Story, act: Act) -> None:
    """Arrow d: the called unit calls the next level itself, with a ground. This is no failure. For joint action it may
    name departments that assist the next call at once, as the whistle of a street does (吹哨报到).

    Raises:
        UnknownUnit, ValidationFailed: a unit that it names is no department in force.
    """
    ground, incident = act.ground or Ground.OTHER, story.incident
    route = routing.upwards(story.world, incident, story.now)
    beside = joint.departments(story, act, route.unit)
    facts = cast("EventFacts", story.leave_call(Outcome.RAISED, end_code=ground.value, end_reason=act.words))
    if beside:
        story.change(audience=tuple(dict.fromkeys((*incident.audience, *beside))))
        facts["units"] = list(beside)
    story.record(EventType.CALL_RAISED, act.words, **facts)
    story.open_call(route, Cause.RAISED, from_unit=incident.unit, ground=ground, reason=act.words, assisting=beside)


_MISSED = {
    Arrow.NO_ANSWER: (Outcome.NO_ANSWER, Cause.NO_ANSWER),
    Arrow.NOT_RESOLVED: (Outcome.NOT_RESOLVED, Cause.NOT_RESOLVED),
}


def miss(story: StoryOf[Earlier], act: Act) -> None:
    """Arrows e and f: a deadline passed, so the clock calls the next level, or level 4 again. This is a failure, and
    the call keeps how late the clock was."""
    outcome, cause = _MISSED[act.arrow]
    due_at = story.incident.due_at or story.now
    story.end_call(outcome, late_s=deadlines.late_s(due_at, story.now))
    story.record(EventType.CALL_MISSED)
    incident = story.incident
    route = routing.upwards(story.world, incident, story.now)
    beside = incident.assisting if route.unit == incident.unit else ()
    story.open_call(route, cause, from_unit=incident.unit, assisting=beside)
