"""`GET /v1/incidents` page by page: cursors fit their filters, filters fit the clock, sight comes first."""

from __future__ import annotations

from typing import Any

import pytest

from service.incidents.schemas import ListQuery
from service.rules.words import State
from service.web.paging import list_kind
from tests.house import COMMUNITY, DEPARTMENT, STREET, House

pytestmark = pytest.mark.anyio

PATH = "/v1/incidents"


async def _ids(house: House, who: str = "worker", **query: Any) -> list[str]:
    return [row["id"] for row in (await house.get(who, PATH, **query))["items"]]


async def test_pages_follow_each_other_without_gaps(house: House) -> None:
    reported = [(await house.report())["id"] for _ in range(5)]
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await house.get("worker", PATH, limit=2, **cursor)
        found += [row["id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == reported[::-1]


async def test_a_full_last_page_has_no_cursor(house: House) -> None:
    for _ in range(2):
        await house.report()
    assert (await house.get("worker", PATH, limit=2))["next_cursor"] is None


async def test_a_cursor_fits_only_its_filters(house: House) -> None:
    for _ in range(3):
        await house.report()
    cursor = (await house.get("worker", PATH, limit=1, state="calling"))["next_cursor"]
    assert len(await _ids(house, limit=5, state="calling", cursor=cursor)) == 2, "the limit may change"
    for query in ({}, {"state": "closed"}, {"state": "calling", "level": 1}):
        answer = await house.send("worker", "GET", PATH, cursor=cursor, **query)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


class _LaterQuery(ListQuery):
    newly: bool | None = None


def test_a_filter_that_is_new_leaves_cursors_good() -> None:
    before, after = (kind(state=[State.CALLING], limit=5) for kind in (ListQuery, _LaterQuery))
    assert list_kind("a", before, "worker") == list_kind("a", after, "worker")
    narrowed = _LaterQuery(state=[State.CALLING], newly=True)
    assert list_kind("a", narrowed, "worker") != list_kind("a", after, "worker")


async def test_overdue_goes_by_the_services_clock(house: House) -> None:
    incident = await house.report()
    assert await _ids(house, overdue="true") == []
    assert await _ids(house, overdue="false") == [incident["id"]]


@pytest.mark.clause("PIPL 45")
async def test_my_own_are_those_of_my_subject(house: House) -> None:
    mine = await house.report("worker")
    await house.report("colleague")
    assert await _ids(house, reporter="me") == [mine["id"]]
    assert len(await _ids(house)) == 2, "the area shows both"


async def test_what_waits_for_me_is_mine_to_decide(house: House) -> None:
    incident = await house.report()
    await house.report()
    await house.act("community", incident, "extend", until="2026-11-23T15:00:00+08:00", reason="等料")
    assert await _ids(house, "street", approver="me") == [incident["id"]]
    for who in ("community", "leader", "ops", "worker", "auditor", "other_street"):
        assert await _ids(house, who, approver="me") == [], who
    assert await _ids(house, "street", approver="me", category="urban-0101") == [], "beside the other filters"


async def test_filters_narrow_what_the_actor_sees(house: House) -> None:
    here, there = await house.report(), await house.report("stranger", grid_code="440105001001001")
    await house.act("community", here, "raise", ground="other", reason="x")
    assert await _ids(house, "ops") == [there["id"], here["id"]]
    assert await _ids(house, "ops", area=STREET) == [here["id"]]
    assert await _ids(house, "ops", unit=STREET, level=2) == [here["id"]]
    assert await _ids(house, "ops", unit=COMMUNITY) == []
    assert await _ids(house, "worker", area="440105001") == []
    assert await _ids(house, "department", category="urban") == []
    await house.act("street", here, "raise", ground="other", reason="x")
    assert await _ids(house, "department", unit=DEPARTMENT) == [here["id"]]


async def test_rows_leave_out_calls_and_requests(house: House) -> None:
    whole = await house.report()
    [row] = (await house.get("worker", PATH))["items"]
    assert row == {name: value for name, value in whole.items() if name not in ("calls", "requests", "contact")}
