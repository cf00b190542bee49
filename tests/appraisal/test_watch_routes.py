"""`GET /v1/appraisal/watch` and the calls behind it, through real handlers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import text

from service.rules.figures.watching import OPS_SIGNS, Sign
from tests.house import COMMUNITY, STREET, House
from tests.rules.figures.watched import watched_at_random
from tests.store.figures.watched import store_watched

pytestmark = pytest.mark.anyio

PATH = "/v1/appraisal/watch"
SIGN = {"sign": "raised"}
DOORS = [(PATH, {}), (f"{PATH}/calls", SIGN)]


async def _opened(house: House, link: str) -> list[Any]:
    """Every call that a link lists, page by page."""
    path, _, query = link.partition("?")
    items: list[Any] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await house.get("auditor", path, **dict(parse_qsl(query)), limit=10, **cursor)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.slow
async def test_every_sign_opens_exactly_its_calls(house: House) -> None:
    await store_watched(house.process.database, watched_at_random(6, 30))
    found = await house.get("auditor", PATH, period="2026-11")
    codes = [row["unit"]["code"] for row in found["items"]]
    assert codes == sorted(codes)
    for row in (*found["items"], found["ops"]):
        for name, share in row["signs"].items():
            calls = await _opened(house, share["calls"])
            assert len({(call["incident"]["id"], call["seq"]) for call in calls}) == len(calls) == share["n"], name
            assert share["rate"] == (round(share["n"] / share["of"], 4) if share["of"] else None)
            assert "unit" not in row or {call["unit"]["code"] for call in calls} <= {row["unit"]["code"]}


async def test_without_a_unit_the_calls_of_all_are_listed(house: House) -> None:
    await store_watched(house.process.database, watched_at_random(7, 20))
    found = await house.get("ops", PATH, period="2026-11")
    of_all = sum(row["signs"]["raised"]["n"] for row in found["items"])
    assert of_all == len(await _opened(house, f"{PATH}/calls?period=2026-11&sign=raised")) > 0


async def test_what_ops_decided_about_one_unit(house: House) -> None:
    mine, other = await house.report(), await house.report(category="urban-0113")
    for incident, unit in ((mine, f"{STREET}002"), (other, f"{STREET}003")):
        await house.act("ops", incident, "assign", unit=unit, reason="由邻社区办理")
    await house.act(f"{STREET}002", mine, "raise", ground="other", reason="不归我们")
    link = f"{PATH}/calls?period=2026-11&by=ops&sign=assigned"
    assert [len(await _opened(house, f"{link}&unit={unit}")) for unit in (COMMUNITY, STREET)] == [2, 0]


async def test_a_month_without_calls_is_empty(house: House) -> None:
    await house.report()
    for period in ("2026-10", "2026-12", "2199-12"):
        found = await house.get("auditor", PATH, period=period)
        assert (found["items"], found["definition"]) == ([], None)
        assert {(share["n"], share["of"], share["median"]) for share in found["ops"]["signs"].values()} == {
            (0, 0, None)
        }
    assert len((await house.get("auditor", PATH, period="2026-11"))["items"]) == 1


async def test_a_month_that_began_before_fair_play_says_so(house: House) -> None:
    async with house.process.database.begin() as tx:
        await tx.execute(text("INSERT INTO appraisal_month (period, definition) VALUES ('2026-11', 'before')"))
    assert (await house.get("auditor", PATH, period="2026-11"))["definition"] == "before"


# --- doors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "query"), DOORS)
@pytest.mark.parametrize("who", ["auditor", "ops"])
async def test_auditors_and_ops_see_the_same(house: House, who: str, path: str, query: dict[str, Any]) -> None:
    incident = await house.report()
    await house.act("community", incident, "raise", ground="other", reason="不归我们")
    (item,) = (await house.get(who, path, period="2026-11", **query))["items"][:1]
    assert item["unit"]["code"] in (COMMUNITY, STREET)


@pytest.mark.parametrize(("path", "query"), DOORS)
@pytest.mark.parametrize("who", ["worker", "community", "street", "department", "leader", f"{COMMUNITY}-property"])
async def test_nobody_else_sees_the_watch(house: House, who: str, path: str, query: dict[str, Any]) -> None:
    answer = await house.send(who, "GET", path, period="2026-11", **query)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert "auditor or ops" in answer.json()["detail"]
    assert (await house.send(who, "GET", path, period="2026", **query)).status_code == 422


@pytest.mark.parametrize(("path", "query"), DOORS)
@pytest.mark.parametrize("period", ["", "2026", "2026-00", "2026-13", "1999-12", "2200-01", "2026-11-01", None])
async def test_a_period_is_a_month(house: House, path: str, query: dict[str, Any], period: str | None) -> None:
    asked: dict[str, Any] = {} if period is None else {"period": period}
    answer = await house.send("auditor", "GET", path, **asked, **query)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (422, ["?period"])


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ({"sign": "pretty"}, "?sign", "validation_failed"),
        ({}, "?sign", "validation_failed"),
        ({**SIGN, "by": "unit"}, "?by", "validation_failed"),
        ({**SIGN, "unit": "nobody"}, "?unit", "unknown_unit"),
        ({**SIGN, "unit": "' OR 1=1"}, "?unit", "validation_failed"),
        ({**SIGN, "limit": "501"}, "?limit", "validation_failed"),
        ({**SIGN, "group": STREET}, "?group", "validation_failed"),
    ],
)
async def test_everything_asked_for_is_bounded(house: House, query: dict[str, Any], pointer: str, code: str) -> None:
    answer = await house.send("auditor", "GET", f"{PATH}/calls", period="2026-11", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("sign", sorted(set(Sign) - set(OPS_SIGNS)))
async def test_what_ops_cannot_do_is_no_sign_of_theirs(house: House, sign: str) -> None:
    answer = await house.send("auditor", "GET", f"{PATH}/calls", period="2026-11", sign=sign, by="ops")
    (fault,) = answer.json()["errors"]
    assert (answer.status_code, fault["pointer"], fault["rule"]) == (422, "?sign", "not_one_of")
    assert fault["allowed"] == [each.value for each in OPS_SIGNS]


async def test_a_cursor_fits_its_own_list_and_reader_only(house: House) -> None:
    for _ in range(3):
        incident = await house.report()
        await house.act("community", incident, "raise", ground="other", reason="不归我们")
    query: dict[str, Any] = {"period": "2026-11", **SIGN, "limit": 2}
    first = await house.get("auditor", f"{PATH}/calls", **query)
    rest = await house.get("auditor", f"{PATH}/calls", **query, cursor=first["next_cursor"])
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
    for who, path, other in (
        ("auditor", f"{PATH}/calls", {"sign": "assigned"}),
        ("auditor", f"{PATH}/calls", {"unit": COMMUNITY}),
        ("ops", f"{PATH}/calls", {}),
    ):
        answer = await house.send(who, "GET", path, **{**query, **other}, cursor=first["next_cursor"])
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")
