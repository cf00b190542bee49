"""Arrows a to f, and what every arrow owes to calls and incident: numbers, ends, lateness, audience, versions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from service.rules.acts import Act
from service.rules.decisions import Decision
from service.rules.errors import ValidationFailed
from service.rules.model import CLOCK, By, Call
from service.rules.words import Arrow, DueKind, Level, Outcome, State
from tests.rules.builders import (
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOW,
    PEOPLE,
    STREET,
    UNIT_AT,
    WORLD,
    a_void,
    act,
    an_incident,
    fired,
    later,
    reported,
)
from tests.rules.deciding import changed_call, decide

C, A, R, X = State.CALLING, State.ANSWERED, State.RESOLVED, State.CLOSED

L1, L2, L3, L4 = Level


def _opened(decision: Decision) -> Call:
    assert decision.opened is not None
    return decision.opened


def _ended(decision: Decision) -> Call:
    return changed_call(decision)


def _rejected(level: Level, times: int) -> Decision:
    """Rejected again and again: each time whoever is called resolves first."""
    incident = an_incident(R, level)
    for n in range(times - 1):
        incident = act(incident, "reporter" if n < 2 else "ops", Arrow.REJECT).after
        incident = act(incident, UNIT_AT[incident.level], Arrow.RESOLVE).after
    return act(incident, "reporter" if times <= 2 else "ops", Arrow.REJECT)


NUMBERS: list[tuple[str, Callable[[], Decision], tuple[int, int, int, str, str | None, str]]] = [
    # what happened, (seq, level, round, unit, from_unit, cause)
    ("report", reported, (1, 1, 1, COMMUNITY, None, "report")),
    ("d at 1", lambda: act(an_incident(C, L1), "community", Arrow.RAISE), (2, 2, 1, STREET, COMMUNITY, "raised")),
    ("d at 2", lambda: act(an_incident(A, L2), "street", Arrow.RAISE), (3, 3, 1, DEPARTMENT, STREET, "raised")),
    ("d at 3", lambda: act(an_incident(C, L3), "department", Arrow.RAISE), (4, 4, 1, LEADER, DEPARTMENT, "raised")),
    ("e at 1", lambda: fired(an_incident(C, L1)), (2, 2, 1, STREET, COMMUNITY, "no_answer")),
    ("e at 3", lambda: fired(an_incident(C, L3)), (4, 4, 1, LEADER, DEPARTMENT, "no_answer")),
    ("e at 4", lambda: fired(an_incident(C, L4)), (5, 4, 2, LEADER, LEADER, "no_answer")),
    ("e at 4 twice", lambda: fired(fired(an_incident(C, L4)).after), (6, 4, 3, LEADER, LEADER, "no_answer")),
    ("f at 2", lambda: fired(an_incident(A, L2)), (3, 3, 1, DEPARTMENT, STREET, "not_resolved")),
    ("f at 4", lambda: fired(an_incident(A, L4)), (5, 4, 2, LEADER, LEADER, "not_resolved")),
    ("l at 1", lambda: _rejected(L1, 1), (2, 1, 2, COMMUNITY, None, "rejected")),
    ("l at 2", lambda: _rejected(L2, 1), (3, 2, 2, STREET, COMMUNITY, "rejected")),
    ("l at 1 twice", lambda: _rejected(L1, 2), (3, 2, 1, STREET, COMMUNITY, "rejected")),
    ("l at 2 thrice", lambda: _rejected(L2, 3), (5, 4, 1, LEADER, DEPARTMENT, "rejected")),
    ("l at 4", lambda: _rejected(L4, 1), (5, 4, 2, LEADER, DEPARTMENT, "rejected")),
    ("l at 4 twice", lambda: _rejected(L4, 2), (6, 4, 3, LEADER, DEPARTMENT, "rejected")),
    ("n at 1", lambda: act(an_incident(X, L1), "street", Arrow.REOPEN), (2, 1, 2, COMMUNITY, None, "reopened")),
    ("n at 3", lambda: act(an_incident(X, L3), "street", Arrow.REOPEN), (4, 3, 2, DEPARTMENT, STREET, "reopened")),
    ("n of a void one", lambda: act(a_void(), "reporter", Arrow.REOPEN), (2, 2, 1, STREET, COMMUNITY, "reopened")),
]


@pytest.mark.parametrize(("story", "numbers"), [row[1:] for row in NUMBERS], ids=[row[0] for row in NUMBERS])
def test_every_new_call_has_its_numbers_and_says_who_called_and_why(
    story: Callable[[], Decision], numbers: tuple[int, int, int, str, str | None, str]
) -> None:
    decision = story()
    call, after = _opened(decision), decision.after
    assert (call.seq, call.level, call.round, call.unit, call.from_unit, call.cause) == numbers
    assert (after.state, after.level, after.unit, after.call) == (C, call.level, call.unit, call)
    assert after.calls_per_level[call.level - 1] == call.round
    assert sum(after.calls_per_level) == call.seq
    assert (call.outcome, call.ended_at, call.answered_at, call.resolve_by, call.late_s) == (None,) * 5


def test_a_new_incident_begins_with_nothing_counted() -> None:
    decision = reported()
    after, call = decision.after, decision.after.call
    assert (after.version, after.rejects, after.returns, after.warned, after.requests) == (1, 0, 0, 0, ())
    assert (after.reopened_void, after.provisional, after.rating, after.merged_into) == (False, False, None, None)
    assert (after.assisting, after.earlier, after.closed_at, after.closed_as) == ((), (), None, None)
    assert (call.binding, call.exempt, call.assisting, call.attachments, call.parts_done) == (False, False, (), (), ())
    assert [event.at_state.sequence for event in decision.events] == [0, 0], "as it stood before its first event"
    assert (decision.changed, after.sequence) == ((), 2)


def test_an_answer_is_written_on_the_call_which_stays_open() -> None:
    decision = act(an_incident(C), "community", Arrow.ANSWER, at=later(minutes=20))
    call = _ended(decision)
    assert (call.answered_at, call.resolve_by) == (later(minutes=20), later(minutes=20, hours=10))
    assert (call.outcome, call.ended_at, call.ended_by, call.answer) == (None, None, None, {"measure": "go and look"})
    assert (decision.after.call, decision.opened) == (call, None)


@pytest.mark.parametrize("state", [C, A])
def test_resolving_ends_the_call_and_starts_the_verify_box(state: State) -> None:
    decision = act(an_incident(state), "community", Arrow.RESOLVE, at=later(minutes=5))
    call, after = _ended(decision), decision.after
    assert (call.outcome, call.result, call.ended_at) == (Outcome.RESOLVED, "because", later(minutes=5))
    assert call.ended_by == By("unit", COMMUNITY, COMMUNITY)
    assert (call.end_code, call.end_reason, call.late_s) == (None, None, None)
    assert (after.due_kind, after.due_at) == (DueKind.VERIFY, later(hours=72, minutes=5))
    assert after.wake_at == after.due_at
    assert (after.level, after.unit, decision.opened) == (L1, COMMUNITY, None)
    assert call.answered_at == (NOW if state is A else later(minutes=5))


@pytest.mark.parametrize("level", [L1, L2, L3])
@pytest.mark.parametrize("state", [C, A])
def test_raising_ends_the_call_as_raised_and_never_as_missed(state: State, level: Level) -> None:
    late = later(days=900)
    for at in (NOW, late):
        decision = act(an_incident(state, level), UNIT_AT[level], Arrow.RAISE, at=at)
        ended, opened = _ended(decision), _opened(decision)
        assert (ended.outcome, ended.end_code, ended.end_reason) == (Outcome.RAISED, "beyond_powers", "because")
        assert (ended.late_s, ended.ended_at, ended.result) == (None, at, None)
        assert (opened.ground, opened.reason, opened.opened_at) == ("beyond_powers", "because", at)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize(("state", "outcome"), [(C, Outcome.NO_ANSWER), (A, Outcome.NOT_RESOLVED)])
def test_the_clock_ends_a_call_as_missed_by_itself(state: State, outcome: Outcome, level: Level) -> None:
    decision = fired(an_incident(state, level), late_s=2.5)
    ended = _ended(decision)
    assert (ended.outcome, ended.ended_by, ended.late_s) == (outcome, CLOCK, 2.5)
    assert (ended.end_code, ended.end_reason, ended.result) == (None, None, None)
    assert _opened(decision).cause == outcome.value
    assert (_opened(decision).ground, _opened(decision).reason) == (None, None)


@pytest.mark.parametrize(("after_us", "kept"), [(-1, False), (0, False), (1, True), (None, True)])
def test_a_promise_lies_ahead(after_us: int | None, kept: bool) -> None:
    until = None if after_us is None else NOW + timedelta(microseconds=after_us)
    promise = Act(Arrow.ANSWER, "go and look", answer={"promised_by": until}, until=until)
    if kept:
        after = decide(an_incident(C), promise, PEOPLE["community"], WORLD, NOW).after
        assert (after.state, after.call.answer) == (A, {"promised_by": until})
    else:
        with pytest.raises(ValidationFailed) as refused:
            decide(an_incident(C), promise, PEOPLE["community"], WORLD, NOW)
        assert [each.pointer for each in refused.value.errors] == ["/promised_by"]
        assert refused.value.detail.startswith("It is 2026-11-23T09:00:00+08:00 already")


def test_the_audience_is_everybody_who_was_ever_called_once_each_in_order() -> None:
    incident = an_incident(X, L3)
    assert incident.audience == (COMMUNITY, STREET, DEPARTMENT)
    assert act(incident, "street", Arrow.REOPEN).after.audience == (COMMUNITY, STREET, DEPARTMENT)
    assert fired(an_incident(C, L3)).after.audience == (COMMUNITY, STREET, DEPARTMENT, LEADER)
    assert fired(an_incident(C, L4)).after.audience == (COMMUNITY, STREET, DEPARTMENT, LEADER)


def _versions(*acts: tuple[str, Arrow]) -> list[int]:
    incident, versions = an_incident(C), [an_incident(C).version]
    for who, arrow in acts:
        incident = act(incident, who, arrow).after
        versions.append(incident.version)
    return versions


def test_each_change_raises_the_version_by_one_however_much_it_does_and_a_comment_or_an_urge_leaves_it() -> None:
    assert _versions(
        ("reporter", Arrow.URGE),
        ("community", Arrow.ANSWER),
        ("community", Arrow.COMMENT),
        ("community", Arrow.RAISE),
        ("street", Arrow.RESOLVE),
        ("reporter", Arrow.REJECT),
        ("street", Arrow.RESOLVE),
        ("reporter", Arrow.ACCEPT),
        ("street", Arrow.COMMENT),
        ("reporter", Arrow.REOPEN),
        ("reporter", Arrow.WITHDRAW),
    ) == [1, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9]
    for state in (C, A, R):
        incident = an_incident(state)
        assert fired(incident).after.version == incident.version + 1
