"""Rate, appeal, approve and refuse an appeal: the calling side judges the answer, and a unit may object once to a call
counted as missed or as left late (评价 · 申诉).

These four arrows have no letter, because the incident stays where it is. No rating of a call is ever changed. A
successful appeal exempts a call from the score and never erases what it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from service.rules import access, pinning, ratings
from service.rules.acts import Act
from service.rules.errors import Conflict, NotYours, Pointer, Rule, wrong_field
from service.rules.model import Actor, Appeal, Call, Incident, Rating
from service.rules.sentences import Sentence
from service.rules.story import Story
from service.rules.words import Arrow, ClosedAs, EventType, Level, Outcome, State, Verdict
from service.rules.world import World

MISSED = frozenset({Outcome.NO_ANSWER, Outcome.NOT_RESOLVED})
_CLOSED_AS_HANDLED = (ClosedAs.VERIFIED, ClosedAs.UNVERIFIED)


def call_numbered(incident: Incident, seq: int) -> Call | None:
    """The call of an incident with this `seq`; None when there is none."""
    return next((each for each in (incident.call, *incident.earlier) if each.seq == seq), None)


def may_rate(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of rate. A reporter needs an outcome that others brought about and that was not rated yet; a street
    needs a department's call that has ended and was not rated yet."""
    if not _rates_as_reporter(incident, actor):
        if all(call.rating is not None for call in _department_calls(incident)):
            return Sentence("No department's call has ended yet, or each was rated: there is nothing to rate.")
        return None
    if not _has_outcome(incident):
        return Sentence("There is nothing to rate yet: it is not resolved.")
    if actor.unit == incident.unit or _resolved_by(incident) == actor.subject:
        return Sentence("Nobody rates what they resolved themselves.")
    given = _given(incident, actor.subject)
    return None if given is None else _already_rated(given)


def _given(incident: Incident, subject: str | None) -> int | None:
    """The rating that a reporter gave the last call's outcome; None when it has given none."""
    given = ratings.ratings_of(incident.call, incident)
    return next((each.score for each in given if each.subject == subject), None)


def _already_rated(given: int) -> Sentence:
    return Sentence("It was rated {score} already; a rating stands as it was given.", score=given)


def _resolved_by(incident: Incident) -> str | None:
    return incident.call.ended_by.subject if incident.call.ended_by else None


def _rates_as_reporter(incident: Incident, actor: Actor) -> bool:
    """Whether the actor rates as a reporter. A street that reported the incident itself rates the department, as
    every street does."""
    return access.is_reporter(actor, incident) and actor.unit != incident.street


def _has_outcome(incident: Incident) -> bool:
    return incident.state is State.RESOLVED or incident.closed_as in _CLOSED_AS_HANDLED


def _department_calls(incident: Incident) -> list[Call]:
    """The departments' calls that have ended, the last one first."""
    calls = (incident.call, *reversed(incident.earlier))
    return [each for each in calls if each.level is Level.DEPARTMENT and each.outcome is not None]


def rate(story: Story, act: Act) -> None:
    """The reporters rate the outcome, the street a level-3 call: 1–5, once each. The version of the incident stays as
    it is.

    Raises:
        ValidationFailed: the named call is not a department's, has not ended, or was rated already; or a reporter
            names a call.
    """
    incident, score = story.incident, act.score or 0
    by_street = story.by.unit == incident.street
    call = _rated_call(incident, act.call) if by_street else incident.call
    if not by_street and act.call is not None:
        raise wrong_field("/call", Sentence("A reporter rates the incident: leave out call."), Rule.NOT_ALLOWED)
    given = call.rating if by_street else _given(incident, story.by.subject)
    if given is not None:
        raise wrong_field("/score", _already_rated(given))
    if by_street:
        story.change_call_numbered(call.seq, quietly=True, rating=score)
    else:
        _rate_outcome(story, Rating(story.by.subject or "", score))
    story.record(EventType.INCIDENT_RATED, act.words, call=call.seq, score=score)


def _rate_outcome(story: Story, rating: Rating) -> None:
    """One more reporter rates the outcome of the last call, and the mean of all of them counts."""
    incident = story.incident
    given = (*ratings.ratings_of(incident.call, incident), rating)
    scores = tuple(each.score for each in given)
    whole, mean = ratings.whole_mean(scores), ratings.mean(scores)
    seq = incident.call.seq
    story.change_call_numbered(seq, quietly=True, outcome_rating=whole, outcome_mean=mean, outcome_ratings=given)
    story.change_quietly(rating=whole, rating_mean=mean)


def _rated_call(incident: Incident, seq: int | None) -> Call:
    """The call that a street rates: the one it names, or the last one. Raises `ValidationFailed` when that call cannot
    be rated."""
    call = _department_calls(incident)[0] if seq is None else call_numbered(incident, seq)
    if call is None or call.level is not Level.DEPARTMENT or call.outcome is None:
        raise wrong_field("/call", _no_departments_call(seq or 0))
    return call


def _no_departments_call(seq: int) -> Sentence:
    return Sentence("Call {call} is no department's call that has ended: see the incident's calls.", call=seq)


def demand_own(incident: Incident, act: Act, actor: Actor) -> None:
    """The reach of appeal: each unit appeals for itself. Raises `NotYours` when the call is another unit's."""
    call = call_numbered(incident, act.call or 0)
    if call is not None and call.unit != actor.unit:
        detail = Sentence("Call {call} was not yours: each unit appeals for itself.", call=call.seq)
        raise NotYours(detail, errors=(Pointer("/call", detail),))


def may_appeal(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of appeal: the unit missed a call of this incident, or left one late, and its time to appeal against
    that has not passed."""
    calls = (*incident.earlier, incident.call)
    terms = [_term(incident, each, world) for each in calls if each.unit == actor.unit and _may_be_contested(each)]
    if not terms:
        return Sentence("No call of yours was missed or left late here, or you appealed already: one appeal a call.")
    return None if now <= max(terms) else _out_of_time(max(terms))


def _may_be_contested(call: Call) -> bool:
    return is_missed_or_left_late(call) and call.appeal is None and not call.exempt


def is_missed_or_left_late(call: Call) -> bool:
    """Whether a call counts as missed or as left late; an emergency that was answered does so no longer."""
    return call.outcome in MISSED or call.late_exit


def _term(incident: Incident, call: Call, world: World) -> datetime:
    """The last instant at which a unit may appeal against a call that has ended."""
    appeal_s = pinning.policy_of(world, incident).fair_play.appeal_s
    return (call.ended_at or incident.updated_at) + timedelta(seconds=appeal_s)


def _out_of_time(term: datetime) -> Sentence:
    return Sentence("An appeal was possible until {term}: the call stays as it is.", term=term)


def appeal(story: Story, act: Act) -> None:
    """A unit appeals against a call of its own that it missed or left late, once.

    Raises:
        ValidationFailed: there is no such call.
        Conflict: the call counts neither as missed nor as left late, or was appealed against already, or the time to
            appeal against it has passed.
    """
    call = _call(story.incident, act.call)
    if call.appeal is not None:
        raise Conflict(Sentence("You appealed against call {call} already: one appeal a call.", call=call.seq))
    if not _may_be_contested(call):
        raise Conflict(
            Sentence("Call {call} was neither missed nor left late: there is nothing to appeal against.", call=call.seq)
        )
    if story.now > (term := _term(story.incident, call, story.world)):
        raise Conflict(_out_of_time(term))
    story.change_call_numbered(call.seq, appeal=Appeal(act.words or "", story.by, story.now))
    story.record(EventType.CALL_APPEALED, act.words, call=call.seq)


def may_judge(incident: Incident, arrow: Arrow, actor: Actor, world: World, now: datetime) -> Sentence | None:
    """The guard of approving and refusing an appeal: an appeal waits."""
    calls = (*incident.earlier, incident.call)
    if any(each.appeal is not None and each.appeal.outcome is None for each in calls):
        return None
    return Sentence("No appeal waits to be decided.")


def judge(story: Story, act: Act) -> None:
    """Ops decide an appeal. A call whose appeal is approved is exempt from the score; it stays what it was.

    Raises:
        Conflict: no appeal against this call waits to be decided, or one that is approved has become needless.
        ValidationFailed: there is no such call.
        NotYours: who decides has appealed, with another key.
    """
    call = _call(story.incident, act.call)
    if call.appeal is None or call.appeal.outcome is not None:
        raise Conflict(Sentence("No appeal against call {call} waits to be decided.", call=call.seq))
    if call.appeal.by.subject == story.by.subject:
        raise NotYours(Sentence("Nobody decides its own appeal."))
    approved = act.arrow is Arrow.APPROVE_APPEAL
    if approved and not is_missed_or_left_late(call):
        raise Conflict(
            Sentence(
                "Call {call} was left late in an emergency, which has been answered since: it costs nothing any more. "
                "Refuse the appeal.",
                call=call.seq,
            )
        )
    decided = call.appeal._replace(
        decided_by=story.by,
        decided_at=story.now,
        decided_reason=act.words,
        outcome=Verdict.APPROVED if approved else Verdict.REFUSED,
    )
    story.change_call_numbered(call.seq, appeal=decided, exempt=approved or call.exempt)
    story.record(EventType.CALL_EXEMPTED if approved else EventType.CALL_APPEAL_REFUSED, act.words, call=call.seq)


def _call(incident: Incident, seq: int | None) -> Call:
    """The call that an act names. Raises `ValidationFailed` when there is none."""
    call = call_numbered(incident, seq or 0)
    if call is None:
        detail = Sentence("There is no call {call}: see the incident's calls.", call=seq or 0)
        raise wrong_field("/call", detail, Rule.UNKNOWN)
    return call
