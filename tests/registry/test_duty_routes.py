"""`/v1/duties…` over HTTP: keys, the bounds of a body, pages of proposals."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from service.registry import views
from tests.house import COMMUNITY, START, House
from tests.registry.admissions import APPROVE, DUTIES, PROPOSALS, REFUSE, approve, duty, later, propose, refuse, refused
from tests.shapes import check

pytestmark = pytest.mark.anyio

FIRM = f"{COMMUNITY}-property"

BEFORE_NOW = (START - timedelta(microseconds=1)).isoformat()


async def test_nobody_comes_in_without_a_key(house: House) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://house") as client:
        for method, path in (("POST", DUTIES), ("GET", PROPOSALS), ("POST", APPROVE), ("POST", REFUSE)):
            assert (await client.request(method, path, json={})).status_code == 401


BOUNDS: list[tuple[dict[str, Any], str]] = [
    ({"lead": "x"}, "/lead"),
    ({"valid_from": later(1)}, "/valid_from"),
    *(({name: None}, f"/{name}") for name in ("code", "title", "category", "area", "lead_unit", "basis")),
    ({"code": "a b"}, "/code"),
    ({"code": 1}, "/code"),
    ({"title": "长" * 201}, "/title"),
    ({"title": "两\n行"}, "/title"),
    ({"title": " "}, "/title"),
    ({"basis": "长" * 501}, "/basis"),
    ({"basis": "\x00"}, "/basis"),
    ({"area": "44010"}, "/area"),
    ({"assisting": "dept-water;dept-parks"}, "/assisting"),
    ({"assisting": ["a b"]}, "/assisting/0"),
    ({"assisting": ["dept-water"] * 101}, "/assisting"),
    ({"valid_to": "2027-02-30"}, "/valid_to"),
    ({"valid_to": "2027-02-28T00:00:00"}, "/valid_to"),
    ({"valid_to": 1_795_482_000}, "/valid_to"),
    ({"valid_to": BEFORE_NOW}, "/valid_to"),
]


async def test_a_proposal_has_the_bounds_of_a_row_in_a_bundle(house: House) -> None:
    for changed, pointer in BOUNDS:
        assert await refused(house, DUTIES, duty(**changed)) == (422, "validation_failed", [pointer]), changed


async def test_the_longest_row_there_is_fits(house: House) -> None:
    whole: dict[str, Any] = {"title": "长" * 200, "basis": "第一行\n" + "长" * 496, "assisting": ["dept-water"] * 100}
    assert (await propose(house, code="X" * 64, **whole))["basis"] == whole["basis"]
    assert (await approve(house, "X" * 64))["assisting"] == whole["assisting"]


async def test_proposals_are_listed_newest_first_without_gaps_or_doubles(house: House) -> None:
    for number in range(5):
        await propose(house, code=f"N-{number}")
    codes: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    for _ in range(3):
        page = await house.get("auditor", PROPOSALS, **query)
        codes += [each["code"] for each in page["items"]]
        query["cursor"] = page["next_cursor"]
        await propose(house, "ops", code=f"late-{len(codes)}")  # what comes in between moves nothing
    assert (codes, query["cursor"]) == ([f"N-{number}" for number in (4, 3, 2, 1, 0)], None)


async def test_a_list_that_cannot_be_made_is_refused(house: House) -> None:
    for query in ({"limit": 0}, {"limit": 501}, {"code": "EX-001"}):
        assert (await house.send("worker", "GET", PROPOSALS, **query)).json()["code"] == "validation_failed"
    cursor = (await house.get("worker", DUTIES, limit=1))["next_cursor"]
    assert (await house.send("worker", "GET", PROPOSALS, cursor=cursor)).json()["code"] == "bad_cursor"


async def test_open_approved_and_refused_proposals_have_one_shape(house: House) -> None:
    await propose(house)
    await approve(house)
    await propose(house, code="NEW")
    await refuse(house, code="NEW")
    await propose(house, code="OPEN")
    items = (await house.get("auditor", PROPOSALS))["items"]
    assert [(bool(each["approved_by"]), bool(each["refused_by"])) for each in items] == [
        (False, False),
        (False, True),
        (True, False),
    ]
    for each in items:
        check(views.ProposalView, each)


async def test_reporters_and_partners_learn_no_subject(house: House) -> None:
    """Only for which unit a duty was proposed: a subject may be a person."""
    await propose(house)
    await approve(house)
    named = {who: (await house.get(who, PROPOSALS))["items"][0] for who in ("street", "auditor", "worker", FIRM)}
    for who in ("street", "auditor"):
        assert "subject" in named[who]["proposed_by"] and "subject" in named[who]["approved_by"]
    for who in ("worker", FIRM):
        assert {*named[who]["proposed_by"], *named[who]["approved_by"]} <= {"kind", "unit"}
