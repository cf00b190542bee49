"""What people send about times: days of a calendar, the activation of a policy, the queries of lists.

The body of a policy is `policy_file.PolicyFile`, since a file of a bundle has the same fields.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Path
from pydantic import ConfigDict, Field

from service.rules.errors import Rule, wrong_field
from service.rules.sentences import Sentence
from service.store.registry.calendars import Day
from service.times.day_sources import plain_years
from service.web.patterns import some_of
from service.web.text import Body, CalendarDay, Moment, Params, one_line

MAX_DAYS = 4_000
"""Days that one request or one feed file may hold, and that one request may read: about eleven years."""

DaySource = Annotated[str, *one_line(200)]
"""The authority for a day: a notice, an office, a file."""
VersionNumber = Annotated[int, Path(ge=1, le=1_000_000)]


class ActivateBody(Body):
    """From when a version is in force: a moment, or now when it is left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"at": "2027-01-01T00:00:00+08:00"}]})

    at: Moment | None = None


class DayRow(Body):
    """One day. `workday` is true for an ordinary working day and for a make-up day (调休), false for a day off."""

    day: CalendarDay
    workday: bool
    note: Annotated[str, *one_line(100)] | None = None


class DaysBody(Body):
    """Days that replace those of the calendar. In the years of `fill_years`, every day that is neither sent here nor
    known yet becomes a plain day: Monday to Friday are working days."""

    model_config = ConfigDict(
        json_schema_extra={
            **some_of("days", "fill_years", empty={"maxItems": 0}),
            "examples": [
                {
                    "source": "国务院办公厅 2026-11",
                    "fill_years": [2027],
                    "days": [{"day": "2027-01-01", "workday": False, "note": "元旦"}],
                }
            ],
        }
    )

    source: DaySource
    days: Annotated[tuple[DayRow, ...], Field(max_length=MAX_DAYS)] = ()
    fill_years: Annotated[tuple[Annotated[int, Field(ge=2000, le=2099)], ...], Field(max_length=10)] = ()

    def replacements(self) -> list[Day]:
        """Return the days of `days` in order.

        Raises:
            ValidationFailed: a day is in `days` twice, or the body has neither days nor years.
        """
        found: dict[date, Day] = {}
        for number, row in enumerate(self.days):
            if row.day in found:
                detail = Sentence("{day} is here twice: keep one.", day=row.day)
                raise wrong_field(f"/days/{number}/day", detail, Rule.GIVEN_TWICE)
            found[row.day] = Day(row.day, row.workday, self.source, row.note)
        if not found and not self.fill_years:
            raise wrong_field("/days", Sentence("Send at least one day."), Rule.TOO_SHORT, min=1)
        return sorted(found.values())

    def defaults(self) -> list[Day]:
        """Return all plain days of `fill_years` in order; they are for days that the calendar does not know."""
        return plain_years(self.source, self.fill_years)


class DaysQuery(Params):
    """Days of Asia/Shanghai, `first` and `last` included; at most 4,000 days in one request."""

    first: CalendarDay = Field(description="the first day (included)")
    last: CalendarDay = Field(description="the last day (included)")
