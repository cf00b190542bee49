"""Days that a calendar should know and does not: a deadline that lies there is provisional.

Whoever changes policies or calendars, starts the service or looks after it is warned of the same gaps in one wording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from service.rules.policy import Policy
from service.rules.sentences import Sentence
from service.rules.words import ClockKind
from service.rules.worktime import LAST_YEAR, ZONE
from service.rules.world import World
from service.times import day_sources

_AHEAD = timedelta(days=366)
"""How far ahead of now a calendar should reach."""
_MAX_GAPS = 10
"""Gaps of one calendar that are named. A calendar that knows every second day has hundreds."""

Knows = Callable[[str, date], bool]
"""Whether a calendar, named by its code, knows a day."""


class Gap(NamedTuple):
    """Days in a row, of one year, that a calendar does not know. `whole_year`: it knows no day of that year at all."""

    calendar: str
    first: date
    last: date
    whole_year: bool

    @property
    def warning(self) -> Sentence:
        """What is missing, and the command that mends it."""
        return Sentence("{gap}, so deadlines there are provisional: {advice}", gap=self._gap(), advice=self._advice())

    def _gap(self) -> Sentence:
        if self.whole_year:
            return Sentence("calendar {calendar} knows no day of {year}", calendar=self.calendar, year=self._year)
        if self.first == self.last:
            return Sentence("calendar {calendar} does not know {day}", calendar=self.calendar, day=self.first)
        days = {"first": self.first, "last": self.last}
        return Sentence("calendar {calendar} does not know {first} to {last}", calendar=self.calendar, **days)

    def _advice(self) -> Sentence:
        if not day_sources.is_published(self.first.year):
            return Sentence(
                "this version does not know the holidays of {year} yet; once their notice is out, each November, load "
                "it with `sihu calendar load FILE --calendar {calendar}`",
                year=self._year,
                calendar=self.calendar,
            )
        if self.calendar == day_sources.OFFICIAL:
            return Sentence("run `sihu calendar seed`")
        return Sentence("load them with `sihu calendar load FILE --calendar {calendar}`", calendar=self.calendar)

    @property
    def _year(self) -> str:
        return str(self.first.year)


def gaps(policies: Iterable[Policy], knows: Knows, now: datetime) -> list[Gap]:
    """Return the gaps from today until a year ahead in the calendars by which these policies count working time."""
    today = now.astimezone(ZONE).date()
    last = min(today + _AHEAD, date(LAST_YEAR, 12, 31))
    calendars = {each.hours.calendar for each in policies if each.hours and _counts_working_time(each)}
    return [gap for calendar in sorted(calendars) for gap in _gaps(calendar, knows, today, last)]


def gaps_of_world(world: World, now: datetime) -> list[Gap]:
    """Return the gaps of the policies that are in force, or will be."""
    calendars = {hours.calendar: calendar for hours, calendar in world.calendars.items()}
    return gaps(in_force(world, now), lambda code, day: calendars[code].knows(day), now)


def in_force(world: World, now: datetime) -> list[Policy]:
    """Return the policies that are in force at `now`, or come into force later."""
    active = world.active(now)
    later = (world.policies[each.code, each.version] for each in world.activations if each.at > now)
    return [*([active] if active else []), *later]


def _counts_working_time(policy: Policy) -> bool:
    return any(box.clock is ClockKind.WORKING for rows in policy.boxes.values() for box in rows)


def _gaps(calendar: str, knows: Knows, first: date, last: date) -> Iterator[Gap]:
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    runs = groupby(days, key=lambda day: (knows(calendar, day), day.year))
    unknown = [list(run) for (known, _), run in runs if not known]
    for run in unknown[:_MAX_GAPS]:
        yield Gap(calendar, run[0], run[-1], _knows_nothing(calendar, knows, run[0].year))


def _knows_nothing(calendar: str, knows: Knows, year: int) -> bool:
    return not any(knows(calendar, date(year, 1, 1) + timedelta(days=n)) for n in range(366))
