"""A story: what it collects, in which order, and what of it raises the version."""

from __future__ import annotations

import pytest

from service.rules.model import By, Incident
from service.rules.routing import Route
from service.rules.sentences import Sentence
from service.rules.story import Story, StoryOf, with_one_more
from service.rules.words import Cause, ClosedAs, EventType, Level, Outcome, State
from tests.rules.builders import DEPARTMENT, NOW, SPECIAL, STREET, WORLD, an_incident, half, later
from tests.rules.deciding import changed_call

OPS = By("ops", "ops")
AT = later(minutes=3)


def _story(incident: Incident | None = None) -> Story:
    return StoryOf(incident or an_incident(State.CALLING, Level.DEPARTMENT), OPS, WORLD, AT)


def test_a_story_without_a_change_decides_nothing() -> None:
    story = _story()
    decision = story.decision()
    assert (decision.before, decision.after) == (story.before, story.before)
    assert (decision.changed, decision.opened, decision.events, decision.request, decision.because) == (
        (),
        None,
        (),
        None,
        "",
    )


def test_changed_calls_come_oldest_first_however_they_were_changed() -> None:
    story = _story()
    story.change_call(assisting=("x",))
    story.change_call_numbered(2, rating=3)
    story.change_call_numbered(1, exempt=True)
    story.change_call_numbered(2, outcome_rating=4)
    decision = story.decision()
    assert [call.seq for call in decision.changed] == [1, 2, 3]
    assert decision.changed == (*decision.after.earlier, decision.after.call)
    assert (decision.changed[1].rating, decision.changed[1].outcome_rating) == (3, 4)
    assert (decision.after.version, decision.after.updated_at) == (story.before.version + 1, AT)


def test_a_call_changed_back_has_not_changed() -> None:
    story = _story()
    story.change_call_numbered(1, exempt=True)
    story.change_call_numbered(1, exempt=False)
    story.change_call(assisting=story.before.call.assisting)
    assert story.decision().changed == ()


@pytest.mark.parametrize("seq", [1, 3])
def test_a_quiet_change_of_a_call_leaves_the_version(seq: int) -> None:
    story = _story()
    story.change_call_numbered(seq, quietly=True, outcome_rating=2)
    decision = story.decision()
    assert changed_call(decision).seq == seq
    assert decision.after == story.incident
    assert (decision.after.version, decision.after.updated_at) == (story.before.version, story.before.updated_at)
    assert decision.after != story.before


def test_a_quiet_change_of_the_incident_leaves_the_version() -> None:
    story = _story()
    story.change_quietly(warned=1)
    after = story.decision().after
    assert after == story.before._replace(warned=1)


def test_many_changes_raise_the_version_once() -> None:
    story = _story()
    story.change(returns=1)
    story.change(returns=2)
    assert story.incident.returns == 2
    story.change_call(assisting=("x",))
    assert story.decision().after.version == story.before.version + 1


def test_a_change_of_the_opened_call_belongs_to_its_opening() -> None:
    story = _story()
    story.end_call(Outcome.ASSIGNED)
    story.open_call(Route(Level.DEPARTMENT, SPECIAL, False, Sentence("so")), Cause.ASSIGNED, from_unit=DEPARTMENT)
    story.change_call(assisting=("x",))
    decision = story.decision()
    assert decision.opened == decision.after.call
    assert (decision.after.call.assisting, decision.after.call.unit) == (("x",), SPECIAL)
    assert [call.seq for call in decision.changed] == [3]
    assert decision.after.earlier[-1] == decision.changed[0]


def test_events_are_numbered_and_show_the_incident_as_it_stood() -> None:
    story = _story()
    story.record(EventType.INCIDENT_RATED, "one", score=4)
    story.change(returns=1)
    story.record(EventType.INCIDENT_COMMENTED, call=1)
    first, second = story.decision().events
    assert (first.sequence, second.sequence) == (story.before.sequence + 1, story.before.sequence + 2)
    assert (first.at_state.returns, second.at_state.returns) == (0, 1)
    assert (first.call, second.call) == (3, 1)
    assert (first.note, first.facts, second.facts) == ("one", {"score": 4}, None)
    assert (first.at, first.by) == (AT, OPS)
    assert story.decision().after.sequence == second.sequence


def test_an_event_that_comes_first_already_shows_the_new_call() -> None:
    story = _story(an_incident(State.CLOSED))
    route = Route(Level.STREET, STREET, True, Sentence("skipped"))
    story.open_call(route, Cause.REOPENED, from_unit=None, reason="why", first=(EventType.INCIDENT_REOPENED, "why"))
    decision = story.decision()
    assert [event.type for event in decision.events] == [
        EventType.INCIDENT_REOPENED,
        EventType.CALL_UNROUTED,
        EventType.CALL_OPENED,
    ]
    assert {event.at_state.unit for event in decision.events} == {STREET}
    assert [event.note for event in decision.events] == ["why", "skipped", None]
    assert decision.events[-1].facts == {"cause": "unrouted"}
    assert (decision.because, decision.after.call.reason, decision.after.call.cause) == ("skipped", "why", "unrouted")


def test_a_half_loaded_incident_stays_half_loaded() -> None:
    """The calls before the last are neither invented nor lost: there are none."""
    whole = an_incident(State.CALLING, Level.DEPARTMENT)
    story = StoryOf(half(whole), OPS, WORLD, AT)
    story.end_call(Outcome.NO_ANSWER, late_s=1.0)
    story.open_call(Route(Level.LEADER, "leader-a", False, Sentence("up")), Cause.NO_ANSWER, from_unit=DEPARTMENT)
    decision = story.decision()
    assert decision.after.earlier is None
    assert changed_call(decision).late_s == 1.0
    assert all(event.at_state.earlier is None for event in decision.events)


@pytest.mark.parametrize("closed_as", ClosedAs)
def test_what_was_handled_or_voided_can_be_reopened(closed_as: ClosedAs) -> None:
    story = _story()
    story.close(closed_as, None)
    after = story.decision().after
    can = closed_as in (ClosedAs.VERIFIED, ClosedAs.UNVERIFIED, ClosedAs.VOID)
    assert after.reopen_until == (later(minutes=3, hours=168) if can else None)
    assert (after.due_at, after.due_kind, after.wake_at, after.provisional) == (None, None, None, False)
    assert after.closed_at == AT != NOW


def test_counts_rise_at_one_level_alone() -> None:
    assert [with_one_more((1, 2, 3, 4), level) for level in Level] == [
        (2, 2, 3, 4),
        (1, 3, 3, 4),
        (1, 2, 4, 4),
        (1, 2, 3, 5),
    ]
