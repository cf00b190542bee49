from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from service.web import text
from service.web.answers import answer


class Colour(StrEnum):
    RED = "red"


class Inner(text.Body):
    number: float | None = None


class Everything(text.Body):
    colour: Colour | None = None
    id: UUID | None = None
    count: Annotated[int, Field(ge=1)] | None = None
    inner: Inner | None = None
    inners: tuple[Inner, ...] = ()
    flags: list[bool] = []


class Narrow(Everything):
    pass


def accepts(kind: Any, value: object) -> bool:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("body", [Everything, Narrow])
def test_a_body_converts_text_to_what_json_has_no_type_for(body: type[Everything]) -> None:
    made = body.model_validate(
        {"colour": "red", "id": "019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11", "inner": {"number": 1}, "inners": [{}]}
    )
    assert (made.colour, made.inner, made.inners) == (Colour.RED, Inner(number=1.0), (Inner(),))


@pytest.mark.clause("ASVS 15.3.5")
@pytest.mark.parametrize("body", [Everything, Narrow])
@pytest.mark.parametrize(
    "given",
    [{"count": "1"}, {"count": 1.0}, {"count": True}, {"inner": {"number": "1"}}, {"inners": [{"number": True}]}]
    + [{"flags": [1]}, {"flags": ["true"]}, {"typo": 1}, {"inner": {"typo": 1}}],
)
def test_a_body_does_not_convert_numbers_and_booleans(body: type[Everything], given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        body.model_validate(given)


def test_a_body_is_frozen() -> None:
    with pytest.raises(ValidationError):
        Everything().count = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "moment",
    ["2026-11-23T08:55:00", "1700000000", 1700000000, "2026-11-23", "1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z"]
    + [True, None, "", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z", "now"],
)
def test_a_moment_without_offset_or_out_of_range_is_refused(moment: object) -> None:
    assert not accepts(text.Moment, moment)


@pytest.mark.parametrize("moment", ["2000-01-01T00:00:00+08:00", "2199-12-31T23:59:59-08:00"])
def test_the_years_of_a_moment_are_those_written(moment: str) -> None:
    assert accepts(text.Moment, moment)


def test_a_moment_is_given_back_in_utc() -> None:
    made = TypeAdapter(text.Moment).validate_python("2026-11-23T08:55:00+08:00")
    assert made == datetime(2026, 11, 23, 0, 55, tzinfo=UTC)
    assert made.utcoffset() == timedelta(0)
    assert accepts(text.Moment, datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8))))


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            text.GridCode,
            ["440105001001001"],
            ["44010500100100", "4401050010010011", "٤40105001001001", "440105001001001\n"],
        ),
        (text.Prefix, ["440105", "440105001"], ["44010", "", "440105a", "4401050010010011"]),
        (text.Code, ["440105001", "haizhu-water", "urban.01_2"], ["", "-a", "a b", "a\x00", "街道", "a" * 65]),
        (text.IdempotencyKey, ["a", "~" * 255], ["", "a b", "a" * 256, "é", "a\n"]),
    ],
)
def test_codes_have_their_shapes(kind: Any, good: list[str], bad: list[str]) -> None:
    assert all(accepts(kind, each) for each in good)
    assert not any(accepts(kind, each) for each in bad)


def test_an_answer_is_json_with_z_times() -> None:
    made = answer({"at": datetime(2026, 1, 2, tzinfo=UTC), "x": float("nan"), "呼": Colour.RED}, 201, {"ETag": '"1"'})
    assert bytes(made.body).decode() == '{"at":"2026-01-02T00:00:00Z","x":null,"呼":"red"}'
    assert (made.status_code, made.headers["etag"], made.headers["content-type"]) == (201, '"1"', "application/json")
