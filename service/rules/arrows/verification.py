"""Arrows k to n: the calling side accepts or rejects a resolution, nobody verifies it in time, or what was closed turns
out not to be fixed (核实 · 退办 · 逾期自动办结 · 重办). What nobody verified may be drawn for a spot check (抽查): then
ops accept or reject it after its close."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from service.rules import access, fair_play, routing, spot_checks
from service.rules.acts import Act
from service.rules.arrows.floods import FLOOD
from service.rules.model import Actor, AnyIncident, Earlier, Incident
from service.rules.routing import Route
from service.rules.sentences import Sentence
from service.rules.story import Story, StoryOf
from service.rules.words import Arrow, Cause, ClosedAs, Credit, EventType, Outcome, Role, State
from service.rules.world import World

MAX_REJECTS = 2
"""The rejects since the last reopening after which only the street of the cell or ops may reject."""
MAX_REOPENED = 2
"""How often one incident may be reopened, from void included."""


def bars_accepting(incident: Incident, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The bar of arrow k: whoever is below the unit that resolved does not accept it, but as the reporter."""
    return None if _is_reporter(incident, actor) else _below_resolver(incident, actor, world, now)


def bars_rejecting(incident: Incident, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The bar of arrow l, as that of k, but the reporter of what was merged into the incident rejects it as well."""
    return None if access.is_reporter(actor, incident) else _below_resolver(incident, actor, world, now)


def _below_resolver(incident: Incident, actor: Actor, world: World, now: datetime) -> Sentence | None:
    if incident.state is not State.RESOLVED or actor.unit is None:
        return None
    if incident.unit in fair_play.above(actor.unit, world, now):
        return Sentence("{unit} is above you and has resolved it: its reporter verifies it.", unit=incident.unit)
    return None


def _is_reporter(incident: AnyIncident, actor: Actor) -> bool:
    return actor.subject == incident.reporter


def may_accept(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow k: the first half of the verify box is the reporter's alone, and ops accept what was drawn."""
    if actor.role is Role.OPS:
        return _may_check(incident)
    since = _second_half(incident)
    if since is None or now >= since or _is_reporter(incident, actor):
        return None
    return Sentence("Until {since} only its reporter may {verb} it: wait until then.", since=since, verb=arrow)


def _may_check(incident: Incident) -> Sentence | None:
    """Why ops cannot judge a resolution that was not rejected twice: only what was drawn, and once."""
    if spot_checks.waits(incident):
        return None
    if incident.drawn:
        return Sentence("It was checked already: whoever finds it undone may reopen it.")
    return Sentence("It was not drawn for a spot check: leave it to its reporter.")


def _second_half(incident: AnyIncident) -> datetime | None:
    """The instant at which half of the verify box has passed; None when none runs."""
    resolved_at, due_at = incident.call.ended_at, incident.due_at
    return None if resolved_at is None or due_at is None else resolved_at + (due_at - resolved_at) / 2


def may_reject(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow l: as that of k; from the third reject since the last reopening on it is up to the street of
    the cell or ops, at any time."""
    if incident.state is State.CLOSED:
        return _may_check(incident)
    is_third = incident.rejects >= MAX_REJECTS
    if actor.role is Role.OPS:
        return None if is_third else Sentence("Ops reject from the third time on: leave it to its reporter.")
    if not is_third:
        return None if access.is_reporter(actor, incident) else may_accept(incident, arrow, actor, world, now)
    if actor.unit == incident.street:
        return None
    return Sentence(
        "It was rejected {times} times: from now on only the street of the cell or ops may reject it.",
        times=incident.rejects,
    )


def accept(story: Story, act: Act) -> None:
    """Arrow k: the calling side confirms the resolution, and the incident closes as verified. After a spot check it
    stays closed as it was."""
    story.change_call(credit=Credit.VERIFIED)
    if story.incident.state is State.CLOSED:
        story.record(EventType.INCIDENT_CHECKED, act.words, credit=Credit.VERIFIED)
        return
    story.close(ClosedAs.VERIFIED, act.words)


def reject(story: Story, act: Act) -> None:
    """Arrow l: the calling side rejects the resolution, or ops do in a spot check, and the same unit is called again;
    from the second rejection since the last reopening on, the next level is called."""
    again, is_closed = story.incident.rejects == 0, story.incident.state is State.CLOSED
    story.change_call(credit=Credit.REJECTED)
    story.change(rejects=story.incident.rejects + 1, rating=None, rating_mean=None)
    if is_closed:
        story.record(EventType.INCIDENT_CHECKED, act.words, credit=Credit.REJECTED)
    story.record(EventType.INCIDENT_REJECTED, act.words)
    if is_closed:
        story.change(closed_at=None, closed_as=None, reopen_until=None, drawn=False)
    route = (routing.again if again else routing.upwards)(story.world, story.incident, story.now)
    _call_again(story, route, Cause.REJECTED, act)


def _call_again(story: Story, route: Route, cause: Cause, act: Act, first: EventType | None = None) -> None:
    """Open the call that repeats the last one, a level up or not. `first` is recorded before it opens."""
    incident = story.incident
    binding, assisting = _team(incident, route)
    story.open_call(
        route,
        cause,
        from_unit=incident.unit if route.level > incident.level else incident.call.from_unit,
        reason=act.words,
        first=(first, act.words) if first else None,
        binding=binding,
        assisting=assisting,
    )


def _team(incident: AnyIncident, route: Route) -> tuple[bool, tuple[str, ...]]:
    """Whether the next call is binding, and which units assist in it. A call repeated to the same unit keeps both from
    the call before; a call to another unit starts with neither."""
    if route.unit != incident.unit:
        return False, ()
    return incident.call.binding, incident.assisting


def verify_timeout(story: StoryOf[Earlier], act: Act) -> None:
    """Arrow m: nobody verified the resolution in time, and the incident closes as unverified. It may be drawn for a
    spot check then."""
    story.because = Sentence("nobody verified it in time: it closes by itself")
    if story.seeds is not None:
        story.change(drawn=spot_checks.draws(story.seeds, story.incident, story.world, story.now))
    story.change_call(credit=Credit.UNVERIFIED)
    story.close(ClosedAs.UNVERIFIED, None)


def bars_reopening(incident: AnyIncident, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The bar of arrow n: only its reporters may reopen an incident that was closed as void."""
    if incident.closed_as is ClosedAs.VOID and not access.is_reporter(actor, incident):
        return Sentence("Only its reporter may reopen an incident that was closed as void.")
    return None


def may_reopen(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow n: `reopen_until` has not passed, and the incident was not reopened as often as it may be."""
    until = incident.reopen_until
    if until is None:
        return Sentence("It cannot be reopened: report it anew.")
    if _is_void_by_unit(incident) and incident.reopened_void:
        return Sentence("It was reopened from void once: report it anew.")
    if reopened(incident) >= MAX_REOPENED:
        return Sentence("It was reopened {times} times: report it anew.", times=MAX_REOPENED)
    return None if now <= until else Sentence("It could be reopened until {until}: report it anew.", until=until)


def _is_void_by_unit(incident: AnyIncident) -> bool:
    """Whether the called unit has refused the incident (arrow p): a flood (arrow s) is nothing of its doing."""
    return incident.closed_as is ClosedAs.VOID and incident.call.end_code != FLOOD


def reopened(incident: Incident) -> int:
    """How often an incident was reopened: a call follows one that had closed it."""
    calls = (*incident.earlier, incident.call)
    return sum(
        before.credit is Credit.REOPENED or before.outcome is Outcome.CLOSED or after.cause is Cause.REOPENED
        for before, after in pairwise(calls)
    )


def reopen(story: Story, act: Act) -> None:
    """Arrow n: the incident was closed but is not fixed, and the unit it closed at is called again; the second time the
    next level. One that was closed as void goes to the street."""
    incident = story.incident
    void = incident.closed_as is ClosedAs.VOID
    again = routing.again if reopened(incident) == 0 else routing.upwards
    if not void:
        story.change_call(credit=Credit.REOPENED)
    story.change(
        closed_at=None,
        closed_as=None,
        reopen_until=None,
        rejects=0,
        reopened_void=incident.reopened_void or _is_void_by_unit(incident),
        drawn=False,
        rating=None,
        rating_mean=None,
    )
    route = (routing.street_level if void else again)(story.world, incident, story.now)
    _call_again(story, route, Cause.REOPENED, act, first=EventType.INCIDENT_REOPENED)
