"""What may be sent of a report and asked of a list: each bound from both sides, each fault with its pointer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from service.incidents.schemas import BatchBody, BatchItem, ListQuery, ReportBody
from service.rules.words import Kind
from service.web import faults
from tests.incidents.verbs import example_of

REPORT: dict[str, Any] = {"category": "urban-0110", "description": "巷口垃圾堆积", "grid_code": "440105003001001"}
POINT: dict[str, Any] = {"lat": 23.0862, "lon": 113.2734, "coord_type": "gcj02"}
SOURCE = {"system": "grid-app", "ref": "A-1"}
MISSING = object()
"""In place of a value: the field is not sent."""


def _pointers(model: type[BaseModel], body: Any) -> list[str]:
    """Where a body is wrong; none where it is right."""
    try:
        model.model_validate(body)
    except ValidationError as error:
        return [each.pointer for each in faults.validation_failed(error, model).errors]
    return []


def _with(body: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {name: value for name, value in {**body, **fields}.items() if value is not MISSING}


@pytest.mark.clause("ASVS 2.2.1")
@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        *[({"description": value}, "/description") for value in (MISSING, None, "", " \n", 7, "长" * 4001, "a\x00b")],
        *[({"category": value}, "/category") for value in (MISSING, None, "", "-a", "a b", "x" * 65, "市容")],
        *[({"grid_code": value}, "/grid_code") for value in ("4401050030010", "44010500300100１", 440105003001001)],
        *[({"kind": value}, "/kind") for value in ("complaint", "Incident", None, 1)],
        *[({"urgency": value}, "/urgency") for value in ("very", "", 1)],
        *[({"on_behalf_of": value}, "/on_behalf_of") for value in ("", " ", "x" * 266, "a\nb", "a\x7fb")],
        *[
            ({"occurred_at": value}, "/occurred_at")
            for value in ("2026-11-23T08:55:00", "2026-11-23", "1795395300", 1795395300, "2026-02-30T00:00:00Z", "")
        ],
        *[({"attachments": [each]}, "/attachments") for each in ("a.jpg", "", "x" * 201)],
        ({"attachments": ["a.jpg"] * 21}, "/attachments"),
        ({"attachments": None}, "/attachments"),
        ({"attachments": "a.jpg"}, "/attachments"),
        ({"source": {"system": "grid-app"}}, "/source/ref"),
        ({"source": {**SOURCE, "system": "x" * 65}}, "/source/system"),
        ({"source": {**SOURCE, "ref": "a\tb"}}, "/source/ref"),
        ({"source": {**SOURCE, "id": 1}}, "/source/id"),
        ({"source": "grid-app"}, "/source"),
        ({"line": "urban"}, "/line"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"idempotency_key": "k"}, "/idempotency_key"),
    ],
)
def test_a_wrong_report_is_pointed_at(fields: dict[str, Any], pointer: str) -> None:
    assert _pointers(ReportBody, _with(REPORT, **fields)) == [pointer]


@pytest.mark.clause("ASVS 2.2.3")
@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        *[({"lat": value}, "lat") for value in (MISSING, None, -90.000001, 90.000001, "23.1", True, float("nan"))],
        *[({"lon": value}, "lon") for value in (MISSING, None, -180.000001, 180.000001, "113.2", float("inf"))],
        *[({"coord_type": value}, "coord_type") for value in (MISSING, None, "WGS84", "wgs-84", "")],
        *[({"accuracy_m": value}, "accuracy_m") for value in (-0.1, 100_000.1, "12", float("nan"))],
        ({"alt": 3}, "alt"),
    ],
)
def test_a_wrong_location_is_pointed_at(fields: dict[str, Any], pointer: str) -> None:
    assert _pointers(ReportBody, {**REPORT, "location": _with(POINT, **fields)}) == [f"/location/{pointer}"]


@pytest.mark.clause("GB/T 22239 8.1.4.11 a", "PIPL 6")
@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"description": "x"},
        {"description": "长" * 4000},
        {"description": "first line\n\tsecond line 🗑"},
        {"category": "x" * 64},
        {"grid_code": MISSING},
        {"grid_code": None},
        {"kind": "deliberation", "urgency": "urgent"},
        {"urgency": None},
        {"on_behalf_of": "x" * 265},
        *[{"occurred_at": value} for value in ("0001-01-01T00:00:00+08:00", "1970-01-01T00:00:00Z")],
        *[{"occurred_at": value} for value in ("2200-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00")],
        {"occurred_at": "2026-11-23t08:55:00-12:00"},
        {"attachments": []},
        {"source": {"system": "x" * 64, "ref": "x" * 200}},
        {"source": None},
        *[{"location": {**POINT, "lat": lat, "lon": lon}} for lat, lon in ((-90, -180), (90.0, 180.0), (0, 0))],
        *[{"location": {**POINT, "coord_type": each}} for each in ("wgs84", "gcj02", "bd09", "cgcs2000")],
        *[{"location": {**POINT, "accuracy_m": each}} for each in (0, 100_000, None)],
    ],
)
def test_a_report_at_its_bounds_is_taken(fields: dict[str, Any]) -> None:
    body = _with(REPORT, **fields)
    assert _pointers(ReportBody, body) == []
    assert _pointers(BatchItem, body) == []


def test_every_fault_of_a_report_is_listed() -> None:
    wrong = {"description": "", "grid_code": "12", "location": {"lat": 91, "lon": 0}, "nonsense": 1}
    assert set(_pointers(ReportBody, wrong)) == {
        "/category",
        "/description",
        "/grid_code",
        "/location/lat",
        "/location/coord_type",
        "/nonsense",
    }


def test_text_keeps_its_blanks_and_moments_are_utc() -> None:
    body = ReportBody.model_validate(
        {**REPORT, "description": " 巷口 \r\n垃圾 ", "occurred_at": "2026-11-23T08:55:00+08:00"}
    )
    assert body.description == " 巷口 \n垃圾 "
    assert (body.occurred_at, body.occurred_at and body.occurred_at.tzinfo) == (
        datetime(2026, 11, 23, 0, 55, tzinfo=UTC),
        UTC,
    )
    assert (body.kind, body.urgency, body.attachments) == (Kind.INCIDENT, None, ())


@pytest.mark.parametrize("key", ["", "a b", "键", "x" * 256, "a\n", 7])
def test_the_key_of_an_item_is_what_the_header_takes(key: Any) -> None:
    assert _pointers(BatchItem, {**REPORT, "idempotency_key": key}) == ["/idempotency_key"]
    assert _pointers(BatchItem, {**REPORT, "idempotency_key": "!" * 255}) == []


@pytest.mark.parametrize("items", [MISSING, None, [], {}, "x", [REPORT] * 501])
def test_a_batch_of_none_or_too_many_is_pointed_at(items: Any) -> None:
    assert _pointers(BatchBody, _with({}, items=items)) == ["/items"]


def test_a_bad_item_spoils_no_batch() -> None:
    """Only what reads as an item becomes one; the others are kept as they came, to be refused one by one."""
    odd: list[Any] = [None, 7, "text", [], {**REPORT, "nonsense": 1}]
    batch = BatchBody.model_validate({"items": [REPORT] * (500 - len(odd)) + odd})
    assert [each for each in batch.items if not isinstance(each, BatchItem)] == odd


def test_the_published_example_is_right() -> None:
    assert _pointers(ReportBody, example_of(ReportBody)) == []


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        (
            "state",
            [["calling"], [*("calling", "answered", "on_hold", "resolved", "closed")]],
            [["open"], ["calling"] * 6],
        ),
        ("level", ["1", "4"], ["0", "5", "x", "1.5"]),
        ("unit", ["440105003", "x" * 64], ["", "a b", "x" * 65]),
        ("area", ["440105", "440105003001001"], ["44010", "4401050030010011", "44010x"]),
        ("category", ["urban-0110"], ["", "市容"]),
        ("line", ["urban"], ["", "-urban"]),
        ("urgency", ["urgent", "normal"], ["high", ""]),
        ("kind", ["suggestion"], ["complaint"]),
        ("overdue", ["true", "false"], ["maybe", ""]),
        ("reporter", ["me"], ["worker", "ME"]),
        ("approver", ["me"], ["ops", "ME"]),
        ("reported_after", ["2026-11-23T00:00:00Z"], ["2026-11-23T00:00:00", "2026-11-23", "0"]),
        ("reported_before", ["2026-11-23T08:00:00+08:00"], ["2026-11-23T08:00:00 08:00", "now"]),
        ("updated_after", ["2000-01-01T00:00:00Z"], ["1999-12-31T23:59:59Z"]),
        ("limit", ["1", "500"], ["0", "501", "-1", "many"]),
        ("cursor", ["", "x" * 1024], ["x" * 1025]),
        ("page", [], ["2"]),
    ],
)
def test_a_filter_has_its_bounds(name: str, right: list[Any], wrong: list[Any]) -> None:
    for value in right:
        assert _pointers(ListQuery, {name: value}) == [], value
    for value in wrong:
        assert [each.split("/")[1] for each in _pointers(ListQuery, {name: value})] == [name], value
