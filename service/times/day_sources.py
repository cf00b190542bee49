"""Days that nobody has to type: the published holidays of a Python package, and plain weeks of Monday to Friday.

The State Council publishes the holidays of a year in the November before it, and the package follows. A year that the
package does not know yet is unknown here, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from importlib.metadata import version

import chinese_calendar

from service.store.database import Transaction
from service.store.registry import calendars
from service.store.registry.calendars import Day

OFFICIAL = "cn"
"""The code of the calendar that receives the published holidays."""
_PACKAGE = "chinesecalendar"
_FIRST_YEAR = 2020
_PLAIN_WEEK = "Monday to Friday"


def official() -> list[Day]:
    """Return every day from 2020 to the last year that the package knows, with holidays and make-up days (调休)."""
    source = f"{_PACKAGE} {version(_PACKAGE)}"
    found: list[Day] = []
    year = _FIRST_YEAR
    while True:
        try:
            found += [_official_day(day, source) for day in _dates_of(year)]
        except NotImplementedError:  # the package raises this for a year that it does not know
            return found
        year += 1


def is_published(year: int) -> bool:
    """Whether the package knows the holidays of a year."""
    try:
        chinese_calendar.is_workday(date(year, 1, 1))
    except NotImplementedError:
        return False
    return True


async def official_to_add(tx: Transaction) -> list[Day]:
    """Return the published days that the calendar `OFFICIAL` lacks, for the first import that needs them.

    Once the calendar holds one day of the package, the list is empty: whatever was published later is loaded by ops,
    with `sihu calendar seed`.
    """
    published = official()
    stored = {each.day: each for each in await calendars.between(tx, OFFICIAL, published[0].day, published[-1].day)}
    if any(each.source.startswith(f"{_PACKAGE} ") for each in stored.values()):
        return []
    return [each for each in published if each.day not in stored]


def plain_years(source: str, years: Iterable[int]) -> list[Day]:
    """Return every day of these years in order, with Monday to Friday as working days."""
    return [Day(day, day.weekday() < 5, source, _PLAIN_WEEK) for year in sorted(set(years)) for day in _dates_of(year)]


def _official_day(day: date, source: str) -> Day:
    workday: bool = chinese_calendar.is_workday(day)
    _, name = chinese_calendar.get_holiday_detail(day)
    return Day(day, workday, source, name or None)


def _dates_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
