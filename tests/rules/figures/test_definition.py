"""The figures of a month, by the definition alone, against a table reckoned by hand. SQL is held to it elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from service.rules import world as worlds
from service.rules.figures import definition
from service.rules.figures.counting import tallies
from service.rules.figures.definition import UNKNOWN_LINE, Grouping, Measure, Period
from service.rules.figures.percentiles import Spread, spread, spread_of
from service.rules.words import Cause, Outcome, Urgency
from service.rules.world import Category, Validity, World
from tests.rules.figures.facts import (
    CALLS,
    CATEGORY,
    COMMUNITY,
    DEPARTMENT,
    MONTH,
    OPENED,
    STREET,
    a_call,
    after,
    demand_expected,
    reckoned,
)

DAY = timedelta(days=1)


def _category(code: str, line: str, since: datetime, until: datetime | None = None) -> Category:
    return Category(code, code, line, Urgency.NORMAL, Validity(since, until))


WORLD: World = worlds.build(
    1, categories=[_category(CATEGORY, "urban", OPENED - DAY), _category("party-01", "party", OPENED - DAY)]
)


@pytest.mark.parametrize("grouping", Grouping)
def test_every_count_of_every_group(grouping: Grouping) -> None:
    demand_expected(reckoned(CALLS, grouping, WORLD), grouping)


def test_times_and_stars() -> None:
    found = reckoned(CALLS, Grouping.UNIT, WORLD)
    community, department = found.groups[COMMUNITY], found.groups[DEPARTMENT]
    assert community.answer_s == Spread(3_600.0, 3_600.0)
    assert community.resolve_s == Spread((25 + 2) / 2 * 3_600, (2 + 0.9 * 23) * 3_600)
    assert department.resolve_s == Spread(None, None)
    assert (department.street_stars, department.reporter_stars) == (7, 0)
    assert (community.street_stars, community.reporter_stars) == (0, 4)
    assert found.total.answer_s == Spread(3_600.0, 3_600 + 0.1 * 4 * 3_600)
    assert found.total.resolve_s == Spread(2 * 3_600, (8 + 0.5 * 17) * 3_600)
    assert (community.held_s, found.total.held_s) == (60, 60)


def test_a_month_with_nothing_in_it() -> None:
    found = reckoned([], Grouping.LINE, WORLD)
    assert (found.groups, found.total.counts) == ({}, dict.fromkeys(Measure, 0))
    assert (found.total.answer_s, found.total.street_stars) == (Spread(), 0)


@pytest.mark.parametrize(
    ("at", "month"),
    [
        ("2026-11-30T23:59:59.999999+08:00", Period(2026, 11)),
        ("2026-12-01T00:00:00+08:00", Period(2026, 12)),
        ("2026-10-31T16:00:00Z", Period(2026, 11)),
        ("2026-12-31T23:59:59+08:00", Period(2026, 12)),
        ("2027-01-01T00:00:00+08:00", Period(2027, 1)),
    ],
)
def test_a_month_begins_and_ends_in_guangzhou(at: str, month: Period) -> None:
    moment = datetime.fromisoformat(at)
    months = [Period(2026, 10), Period(2026, 11), Period(2026, 12), Period(2027, 1)]
    assert [each for each in months if each.holds(moment)] == [month]


def test_a_month_is_read_and_written_as_iso_does() -> None:
    assert Period.of("2026-03") == Period(2026, 3)
    assert Period.of("2026-03").end is Period.of("2026-04").start, "found once, however many calls ask"
    assert (str(Period(2026, 3)), str(Period(2026, 12))) == ("2026-03", "2026-12")
    assert Period(2026, 12).end == datetime(2026, 12, 31, 16, tzinfo=UTC) == Period(2027, 1).start


@pytest.mark.parametrize(
    ("fields", "measures"),
    [
        ({}, {"open"}),
        ({"answered_at": after(hours=4), "resolve_by": after(hours=9)}, {"open", "answered_in_time", "answered"}),
        ({"answered_at": after(hours=4, microseconds=1)}, {"open", "answered_late", "answered"}),
        ({"answered_at": after(hours=1), "answer_by": None}, {"open", "answered_late", "answered"}),
        ({"level": 3, "rating": 2}, {"open", "street_rated"}),
        ({"level": 2, "rating": 2}, {"open"}),
        ({"outcome_rating": 2}, {"open", "reporter_rated"}),
        ({"round": 2, "cause": Cause.RAISED}, {"open", "multi_hop"}),
        ({"round": 1, "cause": Cause.RAISED}, {"open"}),
        ({"round": 2, "cause": Cause.RETURNED}, {"open", "multi_hop"}),
        ({"round": 2, "cause": Cause.NO_ANSWER, "level": 4}, {"open"}),
        ({"round": 2, "cause": Cause.ASSIGNED, "level": 2}, {"open"}),
        ({"round": 2, "cause": Cause.ASSIGNED, "level": 3}, {"open", "multi_hop"}),
    ],
)
def test_what_one_call_counts_for(fields: dict[str, Any], measures: set[str]) -> None:
    counts = reckoned([a_call(1, **fields)], Grouping.UNIT, WORLD).total.counts
    expected = {"calls", *measures}
    expected |= {"answerable" for each in measures if each == "answered"}
    expected |= {"answered_credited" for each in measures if each == "answered_in_time"}
    assert {measure.value for measure, n in counts.items() if n} == expected
    assert set(counts.values()) <= {0, 1}


@pytest.mark.parametrize("late", [0, 1])
def test_resolved_at_the_last_instant_is_in_time(late: int) -> None:
    call = a_call(1, level=4, answered_at=after(hours=1), resolve_by=after(hours=5), outcome=Outcome.RESOLVED,
                  ended_at=after(hours=5, microseconds=late))  # fmt: skip
    counts = reckoned([call], Grouping.UNIT, WORLD).total.counts
    assert (counts[Measure.RESOLVED_IN_TIME], counts[Measure.RESOLVED_LEVEL_4]) == (1 - late, 1)


def test_an_exempt_call_stays_missed_and_leaves_the_score() -> None:
    missed = a_call(1, answered_at=OPENED, outcome=Outcome.NOT_RESOLVED, ended_at=after(hours=9))
    for call, resolvable in ((missed, 1), (missed._replace(exempt=True), 0)):
        counts = reckoned([call], Grouping.UNIT, WORLD).total.counts
        assert (counts[Measure.MISSED], counts[Measure.MISSED_RESOLVE]) == (1, 1)
        assert counts[Measure.EXEMPT] == counts[Measure.EXEMPT_RESOLVE] == 1 - resolvable
        assert counts[Measure.RESOLVABLE] == resolvable


def test_a_return_in_error_came_back_binding_later() -> None:
    """Not by a binding call before it, of another unit, of another incident, or that no leader assigned."""
    returned = a_call(1, 2, level=3, unit=DEPARTMENT, outcome=Outcome.RETURNED, ended_at=after(hours=1))
    again = a_call(1, 3, level=3, unit=DEPARTMENT, round=2, cause=Cause.ASSIGNED, binding=True)
    for other, in_error in (
        (again, 1),
        (again._replace(seq=1), 0),
        (again._replace(unit="dept-water"), 0),
        (again._replace(incident_id=UUID(int=2)), 0),
        (again._replace(cause=Cause.RETURNED), 0),
        (again._replace(binding=False), 0),
    ):
        for calls in ([returned, other], [other, returned], [again._replace(seq=1), other, returned]):
            found = reckoned(calls, Grouping.UNIT, WORLD).total.counts
            assert found[Measure.RETURNED_IN_ERROR] == in_error, other


def test_a_binding_call_of_a_later_month_shows_the_error() -> None:
    returned = a_call(1, 1, level=3, unit=DEPARTMENT, outcome=Outcome.RETURNED, ended_at=after(hours=1))
    again = a_call(1, 2, level=3, unit=DEPARTMENT, cause=Cause.ASSIGNED, binding=True, opened_at=MONTH.end)
    found = reckoned([returned, again], Grouping.UNIT, WORLD).total.counts
    assert (found[Measure.CALLS], found[Measure.RETURNED_IN_ERROR]) == (1, 1)


def test_a_call_without_a_group_is_in_no_total() -> None:
    found = tallies(CALLS, MONTH, lambda call: None if call.level < 3 else "x")
    assert set(found.groups) == {"x"}
    assert found.total.counts[Measure.CALLS] == found.groups["x"].counts[Measure.CALLS] == 4


def test_the_line_is_that_in_force_at_the_opening() -> None:
    world = worlds.build(
        1,
        categories=[
            _category("c", "first", OPENED - 2 * DAY, OPENED - DAY),
            _category("c", "second", OPENED, OPENED + DAY),
            _category("c", "third", OPENED + DAY),
        ],
    )

    def line(at: datetime, category: str = "c") -> str | None:
        return definition.group_of(Grouping.LINE, a_call(1, opened_at=at, category=category), world)

    assert line(OPENED - 3 * DAY) == "first", "before the first row, its first"
    assert line(OPENED - DAY / 2) == "first", "between two rows, the one that ended"
    assert line(OPENED) == "second"
    assert line(OPENED + DAY) == "third"
    assert line(OPENED, "never-known") == UNKNOWN_LINE


def test_groups_by_street_department_and_level() -> None:
    """A street is that of the cell; a department has its own calls alone."""
    call = a_call(1, level=2, unit="440105003")
    assert definition.group_of(Grouping.STREET, call, WORLD) == STREET
    assert definition.group_of(Grouping.DEPARTMENT, call, WORLD) is None
    assert definition.group_of(Grouping.DEPARTMENT, call._replace(level=3, unit="d"), WORLD) == "d"
    assert definition.group_of(Grouping.LEVEL, call, WORLD) == "2"


@pytest.mark.parametrize(
    ("durations", "median", "p90"),
    [
        ([], None, None),
        ([7_000], 0.007, 0.007),
        ([3_000_000, 1_000_000], 2.0, 2.8),
        ([5_000_000, 1_000_000, 2_000_000], 2.0, 4.4),
        ([1_000, 2_000], 0.002, 0.002),
        ([0, 999], 0.0, 0.001),
        ([n * 1_000_000 for n in range(11)], 5.0, 9.0),
    ],
)
def test_percentiles_lie_between_neighbours_to_the_millisecond(
    durations: list[int], median: float | None, p90: float | None
) -> None:
    assert spread_of(durations) == Spread(median, p90)


def test_a_spread_of_nothing_needs_no_neighbours() -> None:
    assert spread(0, ()) == Spread(None, None)
