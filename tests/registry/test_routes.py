"""Look-ups over HTTP, on the Haizhu sample."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from service.registry import views
from tests.house import CATEGORY, CELL, DEPARTMENT, LEADER, STREET, House
from tests.shapes import check

pytestmark = pytest.mark.anyio

LISTS = ["/v1/grid-cells", "/v1/units", "/v1/categories", "/v1/lines", "/v1/duties", "/v1/policies"]


async def test_the_chain_names_the_four_units_and_why(house: House) -> None:
    chain = await house.get("worker", f"/v1/grid-cells/{CELL}/chain", category=CATEGORY)
    assert [(call["level"], call["unit"]["code"]) for call in chain["calls"]] == [
        (1, CELL[:12]),
        (2, STREET),
        (3, DEPARTMENT),
        (4, LEADER),
    ]
    assert all(call["because"] for call in chain["calls"])


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ({}, "validation_failed", "?category"),
        ({"category": "nothing"}, "unknown_category", "?category"),
        ({"category": CATEGORY, "at": "2026-11-23T09:00:00"}, "validation_failed", "?at"),
        ({"category": CATEGORY, "at": "2010-01-01T00:00:00Z"}, "validation_failed", "?at"),
    ],
)
async def test_a_chain_that_cannot_be_told_says_why(
    house: House, query: dict[str, Any], code: str, pointer: str
) -> None:
    answer = await house.send("worker", "GET", f"/v1/grid-cells/{CELL}/chain", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("code", ["440105003001999", "x"])
async def test_an_unknown_cell_in_a_path_is_404(house: House, code: str) -> None:
    one = await house.send("worker", "GET", f"/v1/grid-cells/{code}")
    chain = await house.send("worker", "GET", f"/v1/grid-cells/{code}/chain", category=CATEGORY)
    assert [(each.status_code, each.json()["code"]) for each in (one, chain)] == [(404, "not_found")] * 2


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_is_paged_without_gaps_or_doubles(house: House, path: str) -> None:
    whole = (await house.get("auditor", path, limit=500))["items"][:9]
    items: list[Any] = []
    query: dict[str, Any] = {"limit": 2}
    while len(items) < len(whole):
        page = await house.get("auditor", path, **query)
        assert len(page["items"]) <= 2
        items += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert items[: len(whole)] == whole


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("limit", ["0", "501", "x"])
async def test_a_limit_outside_1_to_500_is_refused(house: House, path: str, limit: str) -> None:
    answer = await house.send("worker", "GET", path, limit=limit)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


async def test_a_cursor_of_another_list_or_filter_is_refused(house: House) -> None:
    cursor = (await house.get("worker", "/v1/units", limit=1))["next_cursor"]
    elsewhere: list[tuple[str, dict[str, Any]]] = [("/v1/duties", {}), ("/v1/units", {"area": STREET})]
    for path, query in elsewhere:
        answer = await house.send("worker", "GET", path, cursor=cursor, **query)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


async def test_answers_have_the_shape_of_their_views(house: House) -> None:
    cell = f"/v1/grid-cells/{CELL}"
    place = {"category": CATEGORY, "area": STREET}
    answers = [
        ((await house.get("worker", "/v1/grid-cells", limit=1))["items"][0], views.CellView),
        (await house.get("worker", cell), views.CellView),
        (await house.get("worker", f"{cell}/chain", category=CATEGORY), views.ChainView),
        ((await house.get("worker", "/v1/units", limit=1))["items"][0], views.UnitView),
        ((await house.get("worker", "/v1/categories", limit=1))["items"][0], views.CategoryView),
        ((await house.get("worker", "/v1/lines", limit=1))["items"][0], views.LineView),
        ((await house.get("worker", "/v1/duties", limit=1))["items"][0], views.DutyView),
        ((await house.get("worker", "/v1/duties", limit=1, **place))["items"][0], views.DutyView),
    ]
    for content, view in answers:
        check(view, content)


async def test_cells_are_filtered_by_the_front_of_their_code(house: House) -> None:
    listed = (await house.get("worker", "/v1/grid-cells", area=CELL[:12], limit=500))["items"]
    assert listed
    assert all(each["code"].startswith(CELL[:12]) for each in listed)


async def test_duties_are_those_that_bear_on_a_category_and_an_area(house: House) -> None:
    listed = (await house.get("worker", "/v1/duties", category="urban-0301", area="440105015001"))["items"]
    assert [each["code"] for each in listed] == ["EX-003", "EX-017"]


async def test_whoever_has_a_key_may_read_and_nobody_else(house: House) -> None:
    for path in LISTS:
        for who in ("worker", "community", "auditor", "ops"):
            assert (await house.send(who, "GET", path)).status_code == 200
        async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://house") as client:
            assert (await client.get(path)).status_code == 401
