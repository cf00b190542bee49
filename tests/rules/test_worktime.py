"""Working time against a slow oracle that walks the days, and against the days of the domain's own fixtures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from random import Random

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.worktime import FIRST_YEAR, LAST_YEAR, ZONE, OutOfCalendar, Segment, WorkCalendar

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
US, NOTHING = timedelta(microseconds=1), timedelta()
OFFICE = ((8 * 60, 12 * 60), (14 * 60, 18 * 60))
KNOWN = [date(2025, 1, 1) + n * DAY for n in range(730)]


def at(text: str) -> datetime:
    """An instant by the clocks of Shanghai."""
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@cache
def china() -> WorkCalendar:
    """08–12 and 14–18, with the holidays and make-up days of 2025 and 2026."""
    return WorkCalendar(OFFICE, {day: chinese_calendar.is_workday(day) for day in KNOWN})


# --- the oracle: plain local datetimes, day by day, span by span ---------------------------------------------------


def wall(instant: datetime) -> datetime:
    """What the clock on a wall in Shanghai shows."""
    return (instant.astimezone(UTC) + 8 * HOUR).replace(tzinfo=None)


@dataclass(frozen=True)
class Slow:
    """What a calendar is made of, and how a person would count with it."""

    spans: tuple[tuple[int, int], ...]
    days: Mapping[date, bool]

    def hours(self, day: date) -> list[tuple[datetime, datetime]]:
        works = self.days[day] if day in self.days else day.isoweekday() not in (6, 7)
        midnight = datetime.combine(day, time())
        return [(midnight + opens * MINUTE, midnight + closes * MINUTE) for opens, closes in self.spans if works]

    def due(self, start: datetime, amount: timedelta) -> datetime:
        here = wall(start)
        day = here.date()
        while True:
            for opens, closes in self.hours(day):
                since = max(here, opens)
                if since < closes:
                    if since + amount <= closes:
                        return (since + amount - 8 * HOUR).replace(tzinfo=UTC)
                    amount -= closes - since
            day += DAY

    def worked(self, start: datetime, end: datetime) -> timedelta:
        here, there, total = wall(start), wall(end), NOTHING
        day = here.date()
        while day <= there.date():
            for opens, closes in self.hours(day):
                total += max(min(there, closes) - max(here, opens), NOTHING)
            day += DAY
        return total

    @property
    def a_day(self) -> timedelta:
        return sum((closes - opens for opens, closes in self.spans), 0) * MINUTE


# --- chance ----------------------------------------------------------------------------------------------------------


@cache
def made(seed: int) -> tuple[WorkCalendar, Slow]:
    """One of the random calendars, built once; hours may touch midnight, each other, or fill the day."""
    chance = Random(seed)
    cuts = sorted(chance.sample(range(1, 1440), 2 * chance.randint(1, 4)))
    cuts[0], cuts[-1] = chance.choice([0, cuts[0]]), chance.choice([1440, cuts[-1]])
    if len(cuts) > 2 and chance.random() < 0.3:
        cuts[2] = cuts[1]
    spans = tuple(zip(cuts[::2], cuts[1::2], strict=True)) if seed else ((0, 1440),)
    share, some = chance.choice([0.4, 0.7, 0.9, 1]), chance.choice([0, 0.1, 1])
    around = (date(2024, 7, 1) + n * DAY for n in range(1000))
    days = {day: chance.random() < share for day in around if chance.random() < some}
    return WorkCalendar(spans, days), Slow(spans, days)


pairs = st.integers(0, 49).map(made)
calendars = pairs.map(lambda pair: pair[0])
BASE = at("2025-01-01")
YEAR_US, YEAR_MINUTES = 365 * DAY // US, 365 * DAY // MINUTE
instants = st.one_of(
    st.integers(0, YEAR_US).map(lambda n: BASE + n * US),
    st.integers(0, YEAR_MINUTES).map(lambda n: BASE + n * MINUTE),
)
amounts = st.one_of(st.integers(0, 200 * HOUR // US).map(lambda n: n * US), st.integers(0, 200).map(lambda n: n * HOUR))


def task(slow: Slow, since_us: int, share: int, edge: int) -> tuple[datetime, timedelta]:
    """A start, and from 1 µs to 60 working days (`share` in millionths); `edge` puts them on the edge of a span."""
    start, most = BASE + since_us * US, 60 * slow.a_day // US
    amount = max(most * share // 1_000_000, 1)
    if edge % 4 == 1:
        start -= since_us * US % MINUTE
    elif edge % 4 > 1:
        start = slow.due(start, US) - edge % 2 * US
    if edge // 4 == 1:
        return start, max(amount * US // MINUTE, 1) * MINUTE
    if edge // 4 > 1:
        return start, max(amount * US // slow.a_day, 1) * slow.a_day + edge // 12 * US
    return start, amount * US


cases = st.tuples(st.integers(0, YEAR_US), st.integers(0, 1_000_000), st.integers(0, 15))


@given(pairs, st.tuples(cases, cases, cases, cases))
@settings(max_examples=2500, deadline=None)
def test_ten_thousand_deadlines_and_the_time_until_them_are_those_of_somebody_who_walks_the_days(
    pair: tuple[WorkCalendar, Slow], four: tuple[tuple[int, int, int], ...]
) -> None:
    calendar, slow = pair
    for start, amount in (task(slow, *case) for case in four):
        due = calendar.due(start, amount)
        assert due == slow.due(start, amount)
        assert calendar.counted(start, due) == amount == slow.worked(start, due)
        assert calendar.counted(start, start + amount) == slow.worked(start, start + amount)


@given(pairs, instants, instants)
@settings(max_examples=300, deadline=None)
def test_the_segments_lie_apart_in_order_within_the_two_and_add_up(
    pair: tuple[WorkCalendar, Slow], start: datetime, end: datetime
) -> None:
    calendar, slow = pair
    found = calendar.segments(start, end)
    assert sum((each.counted for each in found), NOTHING) == calendar.counted(start, end) == slow.worked(start, end)
    assert all(start <= each.start < each.end <= end and each.end - each.start == each.counted for each in found)
    assert all(earlier.end <= later.start for earlier, later in pairwise(found))
    assert all(slow.worked(each.start, each.end) == each.counted for each in found)


# --- what must hold of any calendar ----------------------------------------------------------------------------------


@given(calendars, instants, instants)
@settings(max_examples=300, deadline=None)
def test_what_was_worked_is_due_no_later_than_now(calendar: WorkCalendar, start: datetime, end: datetime) -> None:
    assert calendar.due(start, calendar.counted(start, end)) <= max(start, end)


@given(calendars, instants, amounts)
@settings(max_examples=300, deadline=None)
def test_an_amount_is_worked_exactly_when_it_is_due_and_not_a_microsecond_before(
    calendar: WorkCalendar, start: datetime, amount: timedelta
) -> None:
    due = calendar.due(start, amount)
    assert calendar.counted(start, due) == amount
    assert due == start if not amount else calendar.counted(start, due - US) == amount - US


@given(calendars, instants, amounts)
@settings(max_examples=300, deadline=None)
def test_counted_back_an_amount_still_passes_and_a_microsecond_later_no_more(
    calendar: WorkCalendar, end: datetime, amount: timedelta
) -> None:
    since = calendar.before(end, amount)
    assert calendar.counted(since, end) == amount
    assert since == end if not amount else calendar.counted(since + US, end) == amount - US


@given(calendars, instants, amounts, amounts)
@settings(max_examples=300, deadline=None)
def test_two_amounts_one_after_the_other_are_their_sum(
    calendar: WorkCalendar, start: datetime, first: timedelta, second: timedelta
) -> None:
    assert calendar.due(calendar.due(start, first), second) == calendar.due(start, first + second)


@given(calendars, st.tuples(instants, instants), st.tuples(amounts, amounts))
@settings(max_examples=300, deadline=None)
def test_who_starts_later_or_has_more_to_do_is_never_due_earlier(
    calendar: WorkCalendar, starts: tuple[datetime, datetime], both: tuple[timedelta, timedelta]
) -> None:
    assert calendar.due(min(starts), min(both)) <= calendar.due(max(starts), max(both))
    assert calendar.counted(min(starts), max(starts)) >= NOTHING == calendar.counted(max(starts), min(starts))


@given(calendars, instants, amounts, st.lists(st.tuples(st.integers(0, 100), amounts), max_size=12))
@settings(max_examples=300, deadline=None)
def test_however_often_it_is_held_no_work_is_lost_or_won(
    calendar: WorkCalendar, since: datetime, box: timedelta, holds: list[tuple[int, timedelta]]
) -> None:
    due, stretches, left = calendar.due(since, box), NOTHING, box
    for percent, pause in holds:
        held = since + (due - since) // US * percent // 100 * US
        stretches += calendar.counted(since, held)
        left = calendar.counted(held, due)
        assert stretches + left == box
        since = held + pause
        due = calendar.due(since, left)
    assert stretches + calendar.counted(since, due) == box


# --- the days of China -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "hours", "due"),
    [
        ("2026-02-13 17:00", 8, "2026-02-14 17:00"),  # a make-up Saturday
        ("2026-09-30 17:00", 24, "2026-10-10 17:00"),  # over the National Day week, to a make-up Saturday
        ("2026-12-31 17:00", 8, "2027-01-01 17:00"),  # a Friday like any other, until the notice is out
    ],
)
def test_holidays_are_left_out_and_make_up_days_count(start: str, hours: int, due: str) -> None:
    assert china().due(at(start), hours * HOUR) == at(due)
    assert china().before(at(due), hours * HOUR) == at(start)


def test_the_make_up_days_of_2026_are_workdays_on_a_weekend() -> None:
    made_up = [day for day in KNOWN if day.year == 2026 and day.weekday() >= 5 and china().is_workday(day)]
    assert [f"{day:%m-%d}" for day in made_up] == ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]


def test_a_deadline_in_a_year_without_a_notice_is_provisional() -> None:
    assert china().covered_years == (2025, 2026)
    start = at("2026-12-31 17:00")
    assert china().is_provisional(start, china().due(start, 8 * HOUR))
    assert not china().is_provisional(start, china().due(start, HOUR))


@pytest.mark.parametrize(
    ("start", "end", "provisional"),
    [
        ("2025-01-01", "2026-12-31 23:59:59.999999", False),
        ("2026-12-31 23:59:59.999999", "2027-01-01", True),
        ("2024-12-31 23:59:59.999999", "2025-06-01", True),
        ("2024-06-01", "2027-06-01", True),
        ("2030-06-01", "2030-06-02", True),
    ],
)
def test_the_year_begins_at_midnight_in_shanghai(start: str, end: str, provisional: bool) -> None:
    assert china().is_provisional(at(start), at(end)) is provisional
    assert china().is_provisional(at(start).astimezone(UTC), at(end).astimezone(UTC)) is provisional


@pytest.mark.parametrize("missing", [date(2028, 1, 1), date(2028, 2, 29), date(2028, 12, 31)])
def test_a_year_with_one_day_missing_is_not_covered(missing: date) -> None:
    year = {date(2028, 1, 1) + n * DAY: True for n in range(366)}
    assert WorkCalendar(OFFICE, year).covered_years == (2028,)
    del year[missing]
    assert WorkCalendar(OFFICE, year).covered_years == ()


def test_a_calendar_keeps_the_days_it_was_made_with() -> None:
    days = {date(2026, 10, 1): False}
    calendar = WorkCalendar(OFFICE, days)
    days[date(2026, 10, 1)] = True
    assert not calendar.is_workday(date(2026, 10, 1))


# --- the edges of a span ---------------------------------------------------------------------------------------------


def test_a_box_used_up_at_the_end_of_a_span_ends_there() -> None:
    monday = at("2026-11-23 08:00")
    assert china().due(monday, 4 * HOUR) == at("2026-11-23 12:00")
    assert china().due(monday, 4 * HOUR + US) == at("2026-11-23 14:00:00.000001")
    assert china().due(monday, 8 * HOUR) == at("2026-11-23 18:00")
    assert china().before(at("2026-11-24 08:00"), 4 * HOUR) == at("2026-11-23 14:00")
    assert china().before(at("2026-11-24 08:00"), 4 * HOUR + US) == at("2026-11-23 11:59:59.999999")


def test_no_work_is_due_at_once_even_at_night() -> None:
    night = at("2026-11-23 03:00")
    assert china().due(night, NOTHING) == china().before(night, NOTHING) == night


def test_answers_are_utc_whatever_the_zone_of_the_question() -> None:
    monday = at("2026-11-23 08:00")
    (segment,) = china().segments(monday, monday + HOUR)
    assert segment == Segment(monday, monday + HOUR, HOUR)
    asked = [china().due(monday, NOTHING), china().due(monday, HOUR), china().before(monday, HOUR), *segment[:2]]
    assert all(each.tzinfo is UTC for each in asked)


def test_the_segments_of_a_box_over_a_weekend_show_how_it_came_about() -> None:
    found = china().segments(at("2026-11-20 17:00"), at("2026-11-23 15:30"))
    told = [(*(f"{each.astimezone(ZONE):%d %H:%M}" for each in (start, end)), counted) for start, end, counted in found]
    assert told == [
        ("20 17:00", "20 18:00", HOUR),
        ("23 08:00", "23 12:00", 4 * HOUR),
        ("23 14:00", "23 15:30", 1.5 * HOUR),
    ]


def test_work_goes_on_over_midnight_where_one_day_ends_and_the_next_begins() -> None:
    night = WorkCalendar(((0, 360), (1320, 1440)), {})
    monday = at("2026-11-23 23:59:59.999999")
    assert night.due(monday, US) == at("2026-11-24 00:00")
    assert night.due(monday, 2 * US) == at("2026-11-24 00:00:00.000001")
    assert [each.counted for each in night.segments(monday, monday + HOUR)] == [US, HOUR - US]


# --- refused ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spans", "why"),
    [
        ((), "a workday needs at least one span of working time"),
        (((480, 480),), r"a span goes forward within minutes 0 to 1440 of its day: \(480, 480\)"),
        (((720, 480),), r"a span goes forward .*: \(720, 480\)"),
        (((-1, 480),), r"a span goes forward .*: \(-1, 480\)"),
        (((480, 1441),), r"a span goes forward .*: \(480, 1441\)"),
        (((480, 720), (719, 1080)), r"in order and do not overlap: \(719, 1080\) comes after \(480, 720\)"),
        (((840, 1080), (480, 720)), r"in order and do not overlap: \(480, 720\) comes after \(840, 1080\)"),
    ],
)
def test_hours_that_are_none_are_refused(spans: tuple[tuple[int, int], ...], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        WorkCalendar(spans, {})


def test_an_amount_below_nothing_is_refused() -> None:
    for ask in (china().due, china().before):
        with pytest.raises(ValueError, match="an amount of work is not negative: -1 day"):
            ask(at("2026-11-23 08:00"), -US)


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError):
        china().due(at("2026-11-23 08:00").replace(tzinfo=None), HOUR)


FIRST, LAST = at(f"{FIRST_YEAR}-01-01"), at(f"{LAST_YEAR + 1}-01-01")


def test_the_whole_horizon_counts_to_its_very_ends() -> None:
    always = WorkCalendar(((0, 1440),), {FIRST.date() + n * DAY: True for n in range((LAST - FIRST).days)})
    assert always.covered_years == tuple(range(FIRST_YEAR, LAST_YEAR + 1))
    assert always.counted(FIRST, LAST) == LAST - FIRST
    assert always.due(FIRST, LAST - FIRST) == LAST and always.before(LAST, LAST - FIRST) == FIRST
    assert always.due(LAST - US, US) == LAST


def test_the_first_span_of_the_horizon_counts() -> None:
    """2000 began on a weekend: the first span is the Monday morning."""
    plain = WorkCalendar(OFFICE, {})
    assert plain.counted(FIRST, at("2000-01-03 08:00")) == NOTHING
    assert plain.counted(FIRST, at("2000-01-03 09:30")) == 1.5 * HOUR
    assert plain.before(at("2000-01-03 09:30"), HOUR) == at("2000-01-03 08:30")
    morning = at("2000-01-03 08:00"), at("2000-01-03 09:30"), 1.5 * HOUR
    assert plain.segments(FIRST, at("2000-01-03 09:30")) == (Segment(*morning),)


@pytest.mark.parametrize("beyond", [FIRST - US, LAST + US])
def test_an_instant_outside_the_horizon_is_refused(beyond: datetime) -> None:
    inside = at("2026-11-23 08:00")
    why = r"^(1999-12-31T23:59:59.999999|2100-01-01T00:00:00.000001)\+08:00: working time is counted from 2000 to 2099"
    for ask in (china().counted, china().segments):
        for start, end in ((inside, beyond), (beyond, inside)):
            with pytest.raises(OutOfCalendar, match=why):
                ask(start, end)
    for reckon in (china().due, china().before):
        with pytest.raises(OutOfCalendar, match=why):
            reckon(beyond, NOTHING)


def test_more_work_than_the_horizon_holds_is_refused() -> None:
    with pytest.raises(OutOfCalendar, match=r"8:00:00 of work after 2099-12-31T17:00:00\+08:00: .* 2000 to 2099 only"):
        china().due(at("2099-12-31 17:00"), 8 * HOUR)
    with pytest.raises(OutOfCalendar, match=r"of work before 2000-01-01T08:00:00\+08:00: "):
        china().before(at("2000-01-01 08:00"), US)


def test_a_calendar_without_a_single_workday_is_never_due() -> None:
    never = WorkCalendar(OFFICE, {FIRST.date() + n * DAY: False for n in range((LAST - FIRST).days)})
    start = at("2026-11-23 08:00")
    assert never.counted(FIRST, LAST) == NOTHING and never.segments(FIRST, LAST) == ()
    assert never.due(start, NOTHING) == start
    with pytest.raises(OutOfCalendar):
        never.due(start, US)
