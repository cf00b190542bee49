"""The log alone gives the facts of every call: of histories written by hand here, of random ones in the machine."""

from __future__ import annotations

from datetime import timedelta

from service.rules import lifecycle
from service.rules.acts import Draft
from service.rules.decisions import Decision
from service.rules.figures import ledger
from service.rules.model import Incident
from service.rules.words import Arrow, ClosedAs, Kind, Outcome
from tests.rules.builders import CATEGORY, CELL, PEOPLE, WORLD, a_world, act, fired, later, reported
from tests.rules.figures.logged import facts_of, logged

WORKING = a_world(policy=3)


def _proven(*decisions: Decision) -> Incident:
    """The calls that the events of these decisions give are those that the decisions made."""
    events = [logged(event) for decision in decisions for event in decision.events]
    incident = decisions[-1].after
    assert ledger.calls_of(events) == facts_of(incident)
    return incident


def test_a_call_that_is_open() -> None:
    new = reported()
    (call,) = ledger.calls_of([logged(event) for event in new.events])
    assert (call.incident_id, call.seq, call.round, call.level, call.unit) == (
        new.after.id, 1, 1, 1, new.after.unit,
    )  # fmt: skip
    assert (call.grid_code, call.category, call.cause) == (CELL, CATEGORY, "report")
    assert (call.opened_at, call.answer_by, call.outcome) == (later(), later(hours=1), None)


def test_a_call_that_is_answered_resolved_and_rated() -> None:
    new = reported()
    answered = act(new.after, "community", Arrow.ANSWER, at=later(minutes=7))
    resolved = act(answered.after, "community", Arrow.RESOLVE, at=later(minutes=20))
    rated = act(resolved.after, "reporter", Arrow.RATE, at=later(minutes=21))
    _proven(new, answered)
    assert _proven(new, answered, resolved, rated).call.resolve_us == 20 * 60 * 10**6


def test_each_way_a_call_ends() -> None:
    new = reported()
    raised = act(new.after, "community", Arrow.RAISE, at=later(minutes=1))
    returned = act(raised.after, "street", Arrow.RETURN, at=later(minutes=2))
    withdrawn = act(returned.after, "reporter", Arrow.WITHDRAW, at=later(minutes=3))
    incident = _proven(new, raised, returned, withdrawn)
    assert [call.outcome for call in (*incident.earlier, incident.call)] == ["raised", "returned", "closed"]
    assigned = act(raised.after, "street", Arrow.ASSIGN, at=later(minutes=2))
    assert _proven(new, raised, assigned).earlier[-1].outcome is Outcome.ASSIGNED
    answered = act(new.after, "community", Arrow.ANSWER, at=later(minutes=7))
    for before in ([new], [new, answered]):
        _proven(*before, fired(before[-1].after, late_s=9))


def test_a_close_after_a_resolution_ends_no_call() -> None:
    new = reported()
    resolved = act(new.after, "community", Arrow.RESOLVE, at=later(minutes=7))
    accepted = act(resolved.after, "reporter", Arrow.ACCEPT, at=later(minutes=9))
    assert _proven(new, resolved, accepted).closed_as is ClosedAs.VERIFIED


def test_time_on_hold_does_not_count() -> None:
    new = reported()
    asked = act(new.after, "community", Arrow.HOLD, at=later(minutes=5))
    held = act(asked.after, "street", Arrow.APPROVE, at=later(minutes=9))
    resumed = act(held.after, "community", Arrow.RESUME, at=later(hours=30))
    answered = act(resumed.after, "community", Arrow.ANSWER, at=later(hours=30, minutes=4))
    incident = _proven(new, asked, held, resumed, answered)
    assert incident.call.answer_us == 13 * 60 * 10**6


def test_a_hold_counts_for_its_own_call_alone() -> None:
    new = reported()
    asked = act(new.after, "community", Arrow.HOLD, at=later(minutes=5))
    held = act(asked.after, "street", Arrow.APPROVE, at=later(minutes=9))
    resumed = act(held.after, "community", Arrow.RESUME, at=later(hours=30))
    raised = act(resumed.after, "community", Arrow.RAISE, at=later(hours=31))
    answered = act(raised.after, "street", Arrow.ANSWER, at=later(hours=32))
    assert _proven(new, asked, held, resumed, raised, answered).call.answer_us == 3_600 * 10**6


def test_an_extension_moves_the_box() -> None:
    new = reported()
    asked = act(new.after, "community", Arrow.EXTEND, at=later(minutes=5))
    extended = act(asked.after, "street", Arrow.APPROVE, at=later(minutes=9))
    assert _proven(new, asked, extended).call.answer_by == later(hours=1, minutes=1)


def test_a_calendar_that_changes_moves_the_box() -> None:
    new = reported(WORKING)
    days = {later(days=n).date(): n > 0 for n in range(9)}
    off = a_world(policy=3, days=days)
    moved = lifecycle.tick(new.after, off, later(minutes=1))
    assert moved is not None
    assert _proven(new, moved).due_at != new.after.due_at


def test_a_suggestion_waits_with_a_box_that_has_not_begun() -> None:
    draft = Draft(CELL, CATEGORY, "worker", Kind.SUGGESTION)
    new = lifecycle.report(
        draft, PEOPLE["reporter"], WORLD, incident_id=reported().after.id, number="2026-000001", now=later()
    )
    woken = fired(new.after)
    assert _proven(new, woken).call.answer_by == (woken.after.due_at or later()) > later(days=29)


def test_an_appeal_and_a_rating_of_the_street() -> None:
    new = reported()
    decisions = [new]
    while decisions[-1].after.level < 4:
        decisions.append(fired(decisions[-1].after))
    at = decisions[-1].after.updated_at + timedelta(minutes=1)
    decisions.append(act(decisions[-1].after, "street", Arrow.RATE, at=at))
    decisions.append(act(decisions[-1].after, "community", Arrow.APPEAL, at=at))
    decisions.append(act(decisions[-1].after, "ops", Arrow.APPROVE_APPEAL, at=at))
    incident = _proven(*decisions)
    assert [call.exempt for call in incident.earlier] == [True, False, False]
    assert incident.earlier[2].rating == 4
