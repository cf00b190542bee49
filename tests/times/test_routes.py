"""`/v1/policies…` and `/v1/calendars…`: lists, pages, who may read and write."""

from __future__ import annotations

from typing import Any

import pytest

from service.times import views
from tests.house import House
from tests.registry.bundle.test_routes import import_policy
from tests.shapes import check
from tests.times.test_calendar_changes import DAYS, off, put

pytestmark = pytest.mark.anyio


async def test_policies_are_paged_newest_version_first(house: House) -> None:
    for hours in ("5h", "6h"):
        await import_policy(house, hours)
    first = await house.get("worker", "/v1/policies", limit=2)
    last = await house.get("worker", "/v1/policies", limit=2, cursor=first["next_cursor"])
    listed = [(each["version"], each["active"]) for each in first["items"] + last["items"]]
    assert listed == [(3, True), (2, False), (1, False)]
    assert last["next_cursor"] is None


async def test_answers_have_the_shape_of_their_views(house: House) -> None:
    await house.send("ops", "PUT", DAYS, put(off("2027-01-01")))
    answers = [
        ((await house.get("worker", "/v1/policies"))["items"][0], views.PolicyView),
        ((await house.get("worker", "/v1/policies/example/versions"))["items"][0], views.PolicyVersionView),
        ((await house.get("worker", DAYS, first="2027-01-01", last="2027-01-01"))["items"][0], views.DayView),
        (await house.get("worker", "/v1/calendars/cn/coverage"), views.CoverageView),
        ((await house.send("ops", "PUT", DAYS, put(off("2027-01-01")))).json(), views.DaysChangedView),
    ]
    for content, view in answers:
        check(view, content)


@pytest.mark.parametrize("who", ["worker", "community", "leader", "auditor"])
async def test_only_ops_write_days_and_everybody_reads_them(house: House, who: str) -> None:
    answer = await house.send(who, "PUT", DAYS, put(off("2027-01-01")))
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    await house.send("ops", "PUT", DAYS, put(off("2027-01-02")))
    assert (await house.get(who, DAYS, first="2027-01-01", last="2027-01-01"))["items"] == []
    assert len((await house.get(who, DAYS, first="2027-01-01", last="2027-01-02"))["items"]) == 1


async def test_a_calendar_without_a_day_is_404_whatever_is_asked_of_it(house: House) -> None:
    await house.send("ops", "PUT", DAYS, put(off("2027-01-01")))
    for path in ("days?first=2027-01-01&last=2027-01-01", "coverage"):
        answer = await house.send("worker", "GET", f"/v1/calendars/nosuch/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("first", "last", "status"),
    [
        ("2026-01-01", "2026-01-01", 200),
        ("2026-01-01", "2036-12-13", 200),  # 4,000 days
        ("2026-01-01", "2036-12-14", 422),
        ("2026-01-02", "2026-01-01", 422),
        ("2026-01-01", "20260102", 422),
        ("2026-01-01", "1767225600", 422),
        ("2026-01-01", None, 422),
    ],
)
async def test_days_are_read_in_order_and_at_most_4000(house: House, first: str, last: str | None, status: int) -> None:
    await house.send("ops", "PUT", DAYS, put(off("2027-01-01")))
    query: dict[str, Any] = {"first": first} | ({"last": last} if last else {})
    assert (await house.send("worker", "GET", DAYS, **query)).status_code == status


@pytest.mark.parametrize(
    ("first", "last", "pointers"),
    [
        ("2026-01-02", "2026-01-01", ["?first", "?last"]),
        ("2026-01-01", "2036-12-14", ["?last"]),
        ("2026/1/1", "2026-01-01", ["?first"]),
        ("1999-12-31", "2100-01-01", ["?first", "?last"]),
    ],
)
async def test_a_span_of_days_is_refused_by_name(house: House, first: str, last: str, pointers: list[str]) -> None:
    refused = await house.send("worker", "GET", DAYS, first=first, last=last)
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert [each["pointer"] for each in refused.json()["errors"]] == pointers
