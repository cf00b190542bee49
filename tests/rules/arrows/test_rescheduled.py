"""A calendar that changes under a running box, or that does not know all of its days: what was told, what is sure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import pytest

from service.rules import deadlines, lifecycle, plan
from service.rules.acts import Act
from service.rules.model import Incident
from service.rules.words import Arrow, State
from service.rules.world import World
from tests.rules import deciding
from tests.rules.builders import COMMUNITY, NOW, STREET, a_unit, a_world, act, fired, plain_days, reported, types
from tests.rules.deciding import changed_call

WORKING = a_world(policy=3)
"""08–12 and 14–18; level 1: an hour to answer, ten to resolve; warned at 50 and 80 percent."""
TOLD_AT = "2026-11-23T08:00:00Z"
"""Monday 16:00: of ten hours from 09:00 on, five."""
A_MOMENT = timedelta(minutes=30)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _answered() -> Incident:
    """Reported and answered on Monday at 09:00: due on Tuesday at 11:00."""
    answered = act(reported(WORKING).after, "community", Arrow.ANSWER, world=WORKING).after
    assert answered.due_at == _at("2026-11-24T03:00:00Z")
    return answered


def _told(incident: Incident, world: World) -> tuple[list[tuple[int, str]], Incident]:
    """The marks told from now until the deadline, with when (UTC), and the incident as of the last one."""
    told: list[tuple[int, str]] = []
    while True:
        assert incident.wake_at is not None
        decision = lifecycle.tick(incident, world, incident.wake_at)
        assert decision is not None
        if types(decision)[0] == "call.missed":
            return told, incident
        assert types(decision) == ["call.warned"]
        told.append(((decision.events[0].facts or {})["mark"], f"{decision.events[0].at:%d %H:%M}"))
        incident = decision.after


def _rescheduled(incident: Incident, world: World, now: datetime) -> Incident:
    decision = lifecycle.tick(incident, world, now)
    assert decision is not None
    assert types(decision) == ["call.rescheduled"]
    return decision.after


# --- marks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("off", "last", "due_at"),
    [
        ("2026-11-24", (80, "25 01:00"), "2026-11-25T03:00:00Z"),  # half of the box still lies behind
        ("2026-11-23", (80, "25 00:00"), "2026-11-25T02:00:00Z"),  # half of it lies ahead again, on Tuesday at 15:00
    ],
)
def test_a_mark_that_was_told_is_not_told_again_after_a_day_off_was_declared(
    off: str, last: tuple[int, str], due_at: str
) -> None:
    warned = lifecycle.tick(_answered(), WORKING, _at(TOLD_AT))
    assert warned is not None and warned.events[0].facts == {"mark": 50}
    world, now = a_world(policy=3, days=plain_days(_day(off))), _at(TOLD_AT) + A_MOMENT
    moved = _rescheduled(warned.after, world, now)
    assert (moved.due_at, moved.warned) == (_at(due_at), 1)
    assert lifecycle.tick(moved, world, now + A_MOMENT) is None, "woken for nothing, it remembers"
    told, incident = _told(moved, world)
    assert told == [last]
    assert incident.due_at == _at(due_at)


def test_all_marks_told_leave_the_deadline_alone_even_when_they_lie_ahead_again_and_the_next_box_has_its_own() -> None:
    told, incident = _told(_answered(), WORKING)
    assert told == [(50, "23 08:00"), (80, "24 01:00")]
    off = a_world(policy=3, days=plain_days(_day("2026-11-23"), _day("2026-11-24")))
    moved = _rescheduled(incident, off, _at("2026-11-24T02:00:00Z"))
    assert moved.wake_at == moved.due_at == _at("2026-11-26T02:00:00Z")
    assert lifecycle.tick(moved, off, _at("2026-11-25T08:00:00Z")) is None
    assert _told(moved, off)[0] == []
    raised = fired(moved, world=off).after
    assert [mark for mark, _ in _told(raised, off)[0]] == [50, 80]


def test_marks_are_not_told_again_when_the_day_off_is_taken_back() -> None:
    warned = lifecycle.tick(_answered(), WORKING, _at(TOLD_AT))
    assert warned is not None
    off = a_world(policy=3, days=plain_days(_day("2026-11-23")))
    moved = _rescheduled(warned.after, off, _at(TOLD_AT) + A_MOMENT)
    back = _rescheduled(moved, WORKING, _at(TOLD_AT) + 2 * A_MOMENT)
    assert _told(back, WORKING)[0] == [(80, "24 01:00")]


def test_a_mark_that_passed_untold_as_the_calendar_changed_is_told_at_once() -> None:
    off = a_world(policy=3, days=plain_days(_day("2026-11-23")))
    moved = _rescheduled(_answered(), off, NOW)  # Monday does not count: nothing was told on it
    back = _rescheduled(moved, WORKING, _at(TOLD_AT) + A_MOMENT)
    told = lifecycle.tick(back, WORKING, _at(TOLD_AT) + A_MOMENT)
    assert told is not None and told.events[0].facts == {"mark": 50}


# --- days that are not known ----------------------------------------------------------------------------------------


def _days(*years: int) -> Mapping[date, bool]:
    """These years and no others, Monday to Friday."""
    days = (date(min(years), 1, 1) + timedelta(days=n) for n in range(366 * len(years)))
    return {day: day.weekday() < 5 for day in days if day.year in years}


NEXT_YEAR = a_world(policy=3, days=_days(2027))
"""2027 is known, 2026 is not."""
LATE = _at("2026-12-31T09:30:00Z")
"""Thursday 17:30: half an hour then, half an hour on Friday, the first day of 2027."""
JANUARY = _at("2027-01-05T01:00:00Z")


def _held(incident: Incident, at: datetime, until: datetime) -> Incident:
    asked = deciding.decide(incident, Act(Arrow.HOLD, "why", until=until), a_unit(COMMUNITY), NEXT_YEAR, at).after
    approve = Act(Arrow.APPROVE, request=len(asked.requests))
    held = deciding.decide(asked, approve, a_unit(STREET), NEXT_YEAR, at).after
    assert (held.state, held.provisional) == (State.ON_HOLD, False), "a hold ends at an instant, not after working time"
    assert deadlines.standing(held, NEXT_YEAR).provisional is False
    return held


def _stays(incident: Incident, provisional: bool) -> None:
    """The engine, which looks again, sees it the same way."""
    assert incident.provisional is provisional
    assert deadlines.standing(incident, NEXT_YEAR).provisional is provisional
    assert lifecycle.tick(incident, NEXT_YEAR, incident.updated_at) is None


@pytest.mark.parametrize("by_hand", [False, True])
def test_after_a_hold_a_box_that_began_on_days_not_known_stays_provisional(by_hand: bool) -> None:
    incident = reported(NEXT_YEAR, at=LATE).after
    assert (incident.provisional, incident.due_at) == (True, _at("2027-01-01T00:30:00Z"))
    held = _held(incident, LATE + timedelta(minutes=10), JANUARY)
    if by_hand:
        early = JANUARY - timedelta(days=1)
        resumed = deciding.decide(held, Act(Arrow.RESUME), a_unit(STREET), NEXT_YEAR, early).after
        assert resumed.due_at == early + timedelta(minutes=50)
    else:
        resumed = fired(held, world=NEXT_YEAR).after
        assert resumed.due_at == JANUARY + timedelta(minutes=50)
    _stays(resumed, True)
    settled = _rescheduled(resumed, a_world(policy=3, days=_days(2026, 2027)), JANUARY)
    assert (settled.provisional, settled.due_at) == (False, resumed.due_at)


def test_after_an_extension_a_box_that_began_on_days_not_known_stays_provisional() -> None:
    incident, at, until = reported(NEXT_YEAR, at=LATE).after, _at("2027-01-01T00:10:00Z"), _at("2027-01-01T01:00:00Z")
    asked = deciding.decide(incident, Act(Arrow.EXTEND, "why", until=until), a_unit(COMMUNITY), NEXT_YEAR, at).after
    extended = deciding.decide(asked, Act(Arrow.APPROVE, request=1), a_unit(STREET), NEXT_YEAR, at).after
    assert extended.due_at == until
    _stays(extended, True)


def test_a_box_that_began_on_known_days_is_sure_though_its_call_did_not() -> None:
    incident = reported(NEXT_YEAR, at=LATE).after
    answered = act(incident, "community", Arrow.ANSWER, world=NEXT_YEAR, at=_at("2027-01-01T00:10:00Z")).after
    _stays(answered, False)
    _stays(fired(_held(answered, _at("2027-01-01T00:20:00Z"), JANUARY), world=NEXT_YEAR).after, False)


def test_a_day_that_is_declared_afterwards_makes_nobody_late_before_it_was() -> None:
    """A Friday turns out to have been no day off: what was to be done by then is due now, not then."""
    off = a_world(policy=3, days=plain_days(_day("2026-11-27"), _day("2026-11-30")))
    waiting = reported(off, at=_at("2026-11-26T09:30:00Z")).after  # Thursday 17:30, an hour: half of it is left
    assert waiting.due_at == _at("2026-12-01T00:30:00Z"), "Tuesday 08:30"
    monday = _at("2026-11-30T02:00:00Z")
    moved = lifecycle.tick(waiting, WORKING, monday)
    assert moved is not None
    assert (moved.after.due_at, types(moved)) == (monday, ["call.rescheduled"])
    assert moved.after.call.answer_by == monday
    answered = act(moved.after, "community", Arrow.ANSWER, world=WORKING, at=monday)
    assert answered.after.call.answered_at == moved.after.call.answer_by, "in time, if it is quick"
    missed = lifecycle.tick(moved.after, WORKING, monday + timedelta(seconds=2))
    assert missed is not None
    assert (changed_call(missed).outcome, changed_call(missed).late_s) == ("no_answer", 2.0)
    behind = monday - timedelta(milliseconds=5)
    steps = plan.plan(moved.after, WORKING, behind)
    assert (steps[0].at, steps[0].arrow) == (monday, Arrow.NO_ANSWER), "a process whose clock is behind plans no past"
    assert lifecycle.tick(moved.after, WORKING, behind) == lifecycle.tick(moved.after, WORKING, monday)
    woken = waiting._replace(wake_at=monday)  # as a change of its calendar leaves it
    assert plan.plan(woken, WORKING, monday)[0].at == monday
