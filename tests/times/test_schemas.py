"""Bodies and queries about times: what the days of a request become."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from service.rules.errors import ValidationFailed
from service.store.registry.calendars import Day
from service.times.schemas import MAX_DAYS, ActivateBody, DaysBody, DaysQuery

NEW_YEAR = {"day": "2027-01-01", "workday": False, "note": "元旦"}


def body(*days: dict[str, Any], fill_years: list[int] | None = None) -> DaysBody:
    return DaysBody.model_validate({"source": "s", "days": days, "fill_years": fill_years or []})


def test_days_come_in_order_with_the_source_of_the_body() -> None:
    sent = body(NEW_YEAR, {"day": "2026-01-04", "workday": True})
    assert sent.replacements() == [Day(date(2026, 1, 4), True, "s"), Day(date(2027, 1, 1), False, "s", "元旦")]
    assert sent.defaults() == []


def test_a_day_twice_is_refused_at_its_second_place() -> None:
    with pytest.raises(ValidationFailed) as refusal:
        body(NEW_YEAR, NEW_YEAR).replacements()
    assert [each.pointer for each in refusal.value.errors] == ["/days/1/day"]


def test_a_body_without_days_and_years_is_refused() -> None:
    with pytest.raises(ValidationFailed):
        body().replacements()
    assert body(fill_years=[2027]).replacements() == []


def test_default_days_are_plain_weeks_of_each_year_once() -> None:
    days = body(fill_years=[2028, 2027, 2028]).defaults()
    assert (days[0].day, days[-1].day, len(days)) == (date(2027, 1, 1), date(2028, 12, 31), 365 + 366)
    assert all(each.workday == (each.day.weekday() < 5) for each in days)


def test_a_body_has_bounds() -> None:
    with pytest.raises(ValidationError):
        body(*[NEW_YEAR] * (MAX_DAYS + 1))
    with pytest.raises(ValidationError):
        body(fill_years=list(range(2000, 2011)))


def test_a_moment_may_be_left_out_of_an_activation() -> None:
    assert ActivateBody.model_validate({}).at is None


def test_days_of_a_query_come_as_text() -> None:
    query = DaysQuery.model_validate({"first": "2026-01-01", "last": "2026-12-31"})
    assert query.last > query.first
