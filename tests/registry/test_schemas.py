"""Bodies and queries about the registry: days and moments, and which fields there are."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.registry.schemas import ApproveBody, DayOrMoment, DutyBody, DutyQuery, LocateQuery, Midnight, RefuseBody

DUTY = {"code": "D", "title": "t", "category": "c", "area": "440105", "lead_unit": "u", "basis": "b"}
NEW_YEAR = datetime(2026, 12, 31, 16, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2027-01-01", "2027-01-01T00:00:00+08:00", "2026-12-31T16:00:00Z"])
def test_a_day_is_its_midnight_in_shanghai(text: str) -> None:
    assert TypeAdapter[Any](DayOrMoment).validate_python(text) == NEW_YEAR
    assert DutyBody.model_validate({**DUTY, "valid_to": text}).valid_to == NEW_YEAR


@pytest.mark.parametrize("text", ["2027-1-1", "2027-02-29", "1999-12-31", "2200-01-01", "2027-01-01T00:00:00", ""])
def test_other_text_is_neither_a_day_nor_a_moment(text: str) -> None:
    for kind in (DayOrMoment, Midnight):
        with pytest.raises(ValidationError):
            TypeAdapter[Any](kind).validate_python(text)


def test_a_column_of_a_file_holds_days_alone() -> None:
    assert TypeAdapter[Any](Midnight).validate_python("2027-01-01") == NEW_YEAR
    with pytest.raises(ValidationError):
        TypeAdapter[Any](Midnight).validate_python("2027-01-01T00:00:00+08:00")


def test_a_proposal_does_not_name_its_start() -> None:
    with pytest.raises(ValidationError):
        DutyBody.model_validate({**DUTY, "valid_from": "2027-01-01"})


def test_an_approval_may_be_empty_and_a_refusal_may_not() -> None:
    assert ApproveBody.model_validate({}).valid_from is None
    with pytest.raises(ValidationError):
        RefuseBody.model_validate({})


def test_a_query_has_text_and_bounds() -> None:
    assert DutyQuery.model_validate({"limit": "2", "area": "440105"}).limit == 2
    for point in ({"lat": "91", "lon": "0"}, {"lat": "0", "lon": "181"}, {"lat": "nan", "lon": "0"}):
        with pytest.raises(ValidationError):
            LocateQuery.model_validate({**point, "coord_type": "wgs84"})
