"""Working time: which hours count, when a given amount of them has passed, how much lies between two instants.

The working spans of all days of the horizon stand in one row, oldest first, each with the working time before it:

    starts   Mon 08:00   Mon 14:00   Tue 08:00   …
    before       0 h         4 h         8 h     …   (and at the very end: all of it)

A bisection of `starts` turns an instant into an amount of work, and a bisection of `before` turns an amount into an
instant; every computation is built from these two. Both rows hold integer microseconds, `starts` from the Unix epoch:
nothing is ever rounded.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from calendar import isleap
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import accumulate, pairwise
from typing import NamedTuple

ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Where the days of a calendar begin and end: one offset, no summer time in the horizon."""

FIRST_YEAR, LAST_YEAR = 2000, 2099
"""The horizon: the years in which working time can be counted, both included."""

MAX_BOX_YEARS = 5
"""How many years a box of working time may take, whenever it begins; a longer one counts as one that never ends."""
LAST_START = datetime(LAST_YEAR - MAX_BOX_YEARS, 1, 1, tzinfo=ZONE)
"""The latest instant at which a box may begin, so that it ends within the horizon."""

_DAY_MINUTES = 24 * 60
_NOTHING, _US = timedelta(), timedelta(microseconds=1)
_MINUTE_US = timedelta(minutes=1) // _US
_DAY_US = timedelta(days=1) // _US
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US = (datetime(FIRST_YEAR, 1, 1, tzinfo=ZONE) - _EPOCH) // _US
_LAST_US = (datetime(LAST_YEAR + 1, 1, 1, tzinfo=ZONE) - _EPOCH) // _US


class OutOfCalendar(ValueError):
    """The refusal of an instant that lies outside the horizon."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}: working time is counted from {FIRST_YEAR} to {LAST_YEAR} only")


class Segment(NamedTuple):
    """One counted stretch, from `start` until `end` (UTC): all of it is working time, `counted`."""

    start: datetime
    end: datetime
    counted: timedelta


class WorkCalendar:
    """The working time of some offices: the same `spans` on every workday. A `timers.Timer`.

    `spans` are half-open minutes of the day in `ZONE`: ((480, 720), (840, 1080)) is 08–12 and 14–18, 1440 is 24:00.
    `days` says of each date whether it is a workday; a date that is not in it is a workday from Monday to Friday. A
    year is *covered* when `days` holds every day of it.

    Every instant given to a method is an aware datetime, and every answer is in UTC.

    Raises:
        ValueError: there are no spans, or they are out of order, overlap, or leave the day.
        TypeError: a method is given an instant without an offset.
        OutOfCalendar: an instant lies outside the horizon.
    """

    def __init__(self, spans: tuple[tuple[int, int], ...], days: Mapping[date, bool]) -> None:
        check_spans(spans)
        self.spans = spans
        self._days = dict(days)
        known = Counter(day.year for day in self._days)
        self.covered_years = tuple(sorted(year for year, n in known.items() if n == 365 + isleap(year)))
        self._covered = _blocks(self.covered_years)
        self._starts, self._before = self._row()

    def _row(self) -> tuple[array[int], array[int]]:
        """The start of each span of the horizon, and the work before it; the latter has one more item: the sum."""
        first, last = date(FIRST_YEAR, 1, 1).toordinal(), date(LAST_YEAR, 12, 31).toordinal()
        known = {day.toordinal(): is_workday for day, is_workday in self._days.items()}
        midnights = [
            _FIRST_US + (ordinal - first) * _DAY_US
            for ordinal in range(first, last + 1)
            if known.get(ordinal, (ordinal + 6) % 7 < 5)  # `is_workday`, without making 36,525 dates
        ]
        opens = [start * _MINUTE_US for start, _ in self.spans]
        lengths = [(end - start) * _MINUTE_US for start, end in self.spans]
        starts = array("q", [midnight + each for midnight in midnights for each in opens])
        before = array("q", accumulate(lengths * len(midnights), initial=0))
        return starts, before

    def is_workday(self, day: date) -> bool:
        """Whether the spans count on this day of `ZONE`."""
        known = self._days.get(day)
        return day.weekday() < 5 if known is None else known

    def knows(self, day: date) -> bool:
        """Whether somebody said of this day if it is a workday; else it goes by its weekday."""
        return day in self._days

    def is_provisional(self, start: datetime, end: datetime) -> bool:
        """Whether any day of `ZONE` from `start` to `end`, both included, lies in a year that is not covered."""
        for first, beyond in self._covered:  # noqa: SIM110 - asked of every deadline; a generator doubles its cost
            if first <= start and end < beyond:
                return False
        return True

    def due(self, start: datetime, amount: timedelta) -> datetime:
        """The earliest instant at which `amount` of working time has passed since `start`.

        At a boundary this is the end of a span, not the start of the next one. An amount of zero gives `start` itself,
        even at night. Raises `ValueError` when `amount` is negative.
        """
        done, before = self._done(start), self._before
        if amount <= _NOTHING:
            return _unmoved(start, amount)
        goal = done + amount // _US
        if goal > before[-1]:
            raise OutOfCalendar(f"{amount} of work after {start.isoformat()}")
        span = bisect_left(before, goal) - 1
        return _instant(self._starts[span] + goal - before[span])

    def before(self, end: datetime, amount: timedelta) -> datetime:
        """The latest instant from which `amount` of working time passes until `end`.

        At a boundary this is the start of a span, not the end of the one before. An amount of zero gives `end` itself,
        even at night. Raises `ValueError` when `amount` is negative.
        """
        done, before = self._done(end), self._before
        if amount <= _NOTHING:
            return _unmoved(end, amount)
        goal = done - amount // _US
        if goal < 0:
            raise OutOfCalendar(f"{amount} of work before {end.isoformat()}")
        span = bisect_right(before, goal) - 1
        return _instant(self._starts[span] + goal - before[span])

    def counted(self, start: datetime, end: datetime) -> timedelta:
        """The working time from `start` until `end`; none when `end` is not later."""
        return max(self._done(end) - self._done(start), 0) * _US

    def segments(self, start: datetime, end: datetime) -> tuple[Segment, ...]:
        """The stretches that make up `counted`, in order. Two that touch, for example at midnight, stay apart."""
        since, until = _us(start), _us(end)
        first = max(bisect_right(self._starts, since) - 1, 0)
        found = []
        for span in range(first, bisect_left(self._starts, until)):
            opens = self._starts[span]
            a, b = max(opens, since), min(opens + self._before[span + 1] - self._before[span], until)
            if a < b:
                found.append(Segment(_instant(a), _instant(b), (b - a) * _US))
        return tuple(found)

    def _done(self, instant: datetime) -> int:
        """The working time from the beginning of the horizon until an instant, in microseconds."""
        us = _us(instant)
        span = bisect_right(self._starts, us) - 1
        if span < 0:
            return 0
        return min(self._before[span] + us - self._starts[span], self._before[span + 1])


def _us(instant: datetime) -> int:
    """Microseconds since the Unix epoch; the last instant of the horizon is the midnight that ends it."""
    us = (instant - _EPOCH) // _US
    if not _FIRST_US <= us <= _LAST_US:
        raise OutOfCalendar(instant.isoformat())
    return us


def _instant(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def _unmoved(instant: datetime, amount: timedelta) -> datetime:
    """The instant itself in UTC, for an amount of zero. Raises `ValueError` when the amount is negative."""
    if amount < _NOTHING:
        raise ValueError(f"an amount of work is not negative: {amount}")
    return instant.astimezone(UTC)


def _blocks(years: tuple[int, ...]) -> tuple[tuple[datetime, datetime], ...]:
    """The half-open times in UTC that these years cover, with consecutive years as one: instants in other zones compare
    ten times slower."""
    first = [year for year in years if year - 1 not in years]
    last = [year for year in years if year + 1 not in years]
    return tuple((_new_year(a), _new_year(b + 1)) for a, b in zip(first, last, strict=True))


def _new_year(year: int) -> datetime:
    return datetime(year, 1, 1, tzinfo=ZONE).astimezone(UTC)


def check_spans(spans: tuple[tuple[int, int], ...]) -> None:
    """Raise `ValueError`, naming the span at fault, unless these are the working hours of a day."""
    if not spans:
        raise ValueError("a workday needs at least one span of working time")
    for start, end in spans:
        if not 0 <= start < end <= _DAY_MINUTES:
            raise ValueError(f"a span goes forward within minutes 0 to {_DAY_MINUTES} of its day: {(start, end)}")
    for earlier, later in pairwise(spans):
        if later[0] < earlier[1]:
            raise ValueError(f"spans are in order and do not overlap: {later} comes after {earlier}")
