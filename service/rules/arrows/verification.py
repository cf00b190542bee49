"""Arrows k to n: the calling side accepts or rejects a resolution, nobody verifies it in time, or what was closed turns
out not to be fixed (核实 · 退办 · 逾期自动办结 · 重办)."""

from __future__ import annotations

from datetime import datetime

from service.rules import access, routing
from service.rules.model import Act, Actor, AnyIncident, Earlier, Incident
from service.rules.routing import Route
from service.rules.sentences import Sentence
from service.rules.story import Story, StoryOf
from service.rules.words import Arrow, Cause, ClosedAs, Credit, EventType, Level
from service.rules.world import World


def accept(story: Story, act: Act) -> None:
    """Arrow k: the calling side confirms the resolution, and the incident closes as verified."""
    story.change_call(credit=Credit.VERIFIED)
    story.close(ClosedAs.VERIFIED, act.words)


def reject(story: Story, act: Act) -> None:
    """Arrow l: the calling side rejects the resolution, and the same unit is called again; from the second rejection
    since the last reopening on, the next level is called."""
    incident = story.incident
    again = incident.rejects == 0
    story.change_call(credit=Credit.REJECTED)
    story.change(rejects=incident.rejects + 1, rating=None, rating_mean=None)
    story.record(EventType.INCIDENT_REJECTED, act.words)
    route = (routing.again if again else routing.upwards)(story.world, incident, story.now)
    from_unit = incident.call.from_unit if again or incident.level is Level.LEADER else incident.unit
    binding, assisting = _team(incident, route)
    story.open_call(route, Cause.REJECTED, from_unit=from_unit, reason=act.words, binding=binding, assisting=assisting)


def _team(incident: AnyIncident, route: Route) -> tuple[bool, tuple[str, ...]]:
    """Whether the next call is binding, and which units assist in it. A call repeated to the same unit keeps both from
    the call before; a call to another unit starts with neither."""
    if route.unit != incident.unit:
        return False, ()
    return incident.call.binding, incident.assisting


def verify_timeout(story: StoryOf[Earlier], act: Act) -> None:
    """Arrow m: nobody verified the resolution in time, and the incident closes as unverified."""
    story.because = Sentence("nobody verified it in time: it closes by itself")
    story.change_call(credit=Credit.UNVERIFIED)
    story.close(ClosedAs.UNVERIFIED, None)


def bars_reopening(incident: AnyIncident, actor: Actor) -> Sentence | None:
    """The bar of arrow n: only its reporters may reopen an incident that was closed as void."""
    if incident.closed_as is ClosedAs.VOID and not access.is_reporter(actor, incident):
        return Sentence("Only its reporter may reopen an incident that was closed as void.")
    return None


def may_reopen(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of arrow n: `reopen_until` has not passed, and an incident closed as void is reopened only once."""
    until = incident.reopen_until
    if until is None:
        return Sentence("It cannot be reopened: report it anew.")
    if incident.closed_as is ClosedAs.VOID and incident.reopened_void:
        return Sentence("It was reopened from void once: report it anew.")
    return None if now <= until else Sentence("It could be reopened until {until}: report it anew.", until=until)


def reopen(story: Story, act: Act) -> None:
    """Arrow n: the incident was closed but is not fixed, and the unit it closed at is called again. One that was closed
    as void goes to the street."""
    incident = story.incident
    void = incident.closed_as is ClosedAs.VOID
    if not void:
        story.change_call(credit=Credit.REOPENED)
    story.change(
        closed_at=None,
        closed_as=None,
        reopen_until=None,
        rejects=0,
        reopened_void=incident.reopened_void or void,
        rating=None,
        rating_mean=None,
    )
    route = (routing.street_level if void else routing.again)(story.world, incident, story.now)
    binding, assisting = _team(incident, route)
    story.open_call(
        route,
        Cause.REOPENED,
        from_unit=incident.call.from_unit,
        reason=act.words,
        first=(EventType.INCIDENT_REOPENED, act.words),
        binding=binding,
        assisting=assisting,
    )
