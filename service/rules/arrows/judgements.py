"""Rate, appeal, approve and refuse an appeal: the calling side judges the answer, and a unit may object once to a call
counted as missed (评价 · 申诉).

These four arrows have no letter, because the incident stays where it is. No rating of a call is ever changed. A
successful appeal exempts a call from the score and never erases that it was missed.
"""

from __future__ import annotations

from datetime import datetime

from service.rules.errors import NotYours, Pointer, wrong_field
from service.rules.model import Act, Actor, Appeal, Call, Incident, call_numbered
from service.rules.story import Story
from service.rules.words import Arrow, ClosedAs, EventType, Level, Outcome, State, Verdict
from service.rules.world import World

MISSED = frozenset({Outcome.NO_ANSWER, Outcome.NOT_RESOLVED})
_CLOSED_AS_HANDLED = (ClosedAs.VERIFIED, ClosedAs.UNVERIFIED)


def may_rate(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """The guard of rate. A reporter needs an outcome that others brought about and that was not rated yet; a street
    needs a department's call that has ended and was not rated yet."""
    if not _rates_as_reporter(incident, actor):
        if all(call.rating is not None for call in _department_calls(incident)):
            return "No department's call has ended yet, or each was rated: there is nothing to rate."
        return None
    if not _has_outcome(incident):
        return "There is nothing to rate yet: it is not resolved."
    if actor.unit == incident.unit or _resolved_by(incident) == actor.subject:
        return "Nobody rates what they resolved themselves."
    given = incident.call.outcome_rating
    return None if given is None else _already_rated(given)


def _already_rated(given: int) -> str:
    return f"It was rated {given} already; a rating stands as it was given."


def _resolved_by(incident: Incident) -> str | None:
    return incident.call.ended_by.subject if incident.call.ended_by else None


def _rates_as_reporter(incident: Incident, actor: Actor) -> bool:
    """Whether the actor rates as the reporter. A street that reported the incident itself rates the department, as
    every street does."""
    return actor.subject == incident.reporter and actor.unit != incident.street


def _has_outcome(incident: Incident) -> bool:
    return incident.state is State.RESOLVED or incident.closed_as in _CLOSED_AS_HANDLED


def _department_calls(incident: Incident) -> list[Call]:
    """The departments' calls that have ended, the last one first."""
    calls = (incident.call, *reversed(incident.earlier))
    return [each for each in calls if each.level is Level.DEPARTMENT and each.outcome is not None]


def rate(story: Story, act: Act) -> None:
    """The reporter rates the outcome, the street a level-3 call: 1–5, once each. The version of the incident stays as
    it is.

    Raises:
        ValidationFailed: the named call is not a department's, has not ended, or was rated already; or a reporter
            names a call.
    """
    incident, score = story.incident, act.score or 0
    by_street = story.by.unit == incident.street
    call = _rated_call(incident, act.call) if by_street else incident.call
    if not by_street and act.call is not None:
        raise wrong_field("/call", "A reporter rates the incident: leave out call.")
    given = call.rating if by_street else call.outcome_rating
    if given is not None:
        raise wrong_field("/score", _already_rated(given))
    if by_street:
        story.change_call_numbered(call.seq, quietly=True, rating=score)
    else:
        story.change_call_numbered(call.seq, quietly=True, outcome_rating=score)
        story.change_quietly(rating=score)
    story.record(EventType.INCIDENT_RATED, act.words, call=call.seq, score=score)


def _rated_call(incident: Incident, seq: int | None) -> Call:
    """The call that a street rates: the one it names, or the last one. Raises `ValidationFailed` when that call cannot
    be rated."""
    call = _department_calls(incident)[0] if seq is None else call_numbered(incident, seq)
    if call is None or call.level is not Level.DEPARTMENT or call.outcome is None:
        raise wrong_field("/call", f"Call {seq} is no department's call that has ended: see the incident's calls.")
    return call


def may_appeal(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """The guard of appeal: the unit missed a call of this incident against which it has not appealed yet."""
    own = (each for each in (*incident.earlier, incident.call) if each.unit == actor.unit)
    if any(each.outcome in MISSED and each.appeal is None for each in own):
        return None
    return "No call of yours was missed here, or you appealed already: one appeal a call."


def appeal(story: Story, act: Act) -> None:
    """A unit appeals against a missed call of its own, once.

    Raises:
        NotYours: the call is another unit's.
        ValidationFailed: the call was not missed, or was appealed against already.
    """
    call = _call(story.incident, act.call)
    if call.unit != story.by.unit:
        detail = f"Call {call.seq} was not yours: each unit appeals for itself."
        raise NotYours(detail, errors=(Pointer("/call", detail),))
    if call.outcome not in MISSED:
        raise wrong_field("/call", f"Call {call.seq} was not missed: there is nothing to appeal against.")
    if call.appeal is not None:
        raise wrong_field("/call", f"You appealed against call {call.seq} already: one appeal a call.")
    story.change_call_numbered(call.seq, appeal=Appeal(act.words or "", story.by, story.now))
    story.record(EventType.CALL_APPEALED, act.words, call=call.seq)


def may_judge(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> str | None:
    """The guard of approving and refusing an appeal: an appeal waits, and no unit decides its own."""
    calls = (*incident.earlier, incident.call)
    waiting = [each for each in calls if each.appeal is not None and each.appeal.outcome is None]
    if not waiting:
        return "No appeal waits to be decided."
    if all(each.unit == actor.unit for each in waiting):
        return "Nobody decides its own appeal: ops do."
    return None


def judge(story: Story, act: Act) -> None:
    """The street of the cell or ops decide an appeal. A call whose appeal is approved is exempt from the score; it
    stays missed.

    Raises:
        ValidationFailed: no appeal against this call waits to be decided.
        NotYours: the call is the deciding unit's own.
    """
    call = _call(story.incident, act.call)
    if call.appeal is None or call.appeal.outcome is not None:
        raise wrong_field("", f"No appeal against call {call.seq} waits to be decided.")
    if call.unit == story.by.unit:
        raise NotYours("Nobody decides its own appeal: ops do.")
    approved = act.arrow is Arrow.APPROVE_APPEAL
    decided = call.appeal._replace(
        decided_by=story.by,
        decided_at=story.now,
        decided_reason=act.words,
        outcome=Verdict.APPROVED if approved else Verdict.REFUSED,
    )
    story.change_call_numbered(call.seq, appeal=decided, exempt=approved)
    story.record(EventType.CALL_EXEMPTED if approved else EventType.CALL_APPEAL_REFUSED, act.words, call=call.seq)


def _call(incident: Incident, seq: int | None) -> Call:
    """The call that an act names. Raises `ValidationFailed` when there is none."""
    call = call_numbered(incident, seq or 0)
    if call is None:
        raise wrong_field("/call", f"There is no call {seq}: see the incident's calls.")
    return call
