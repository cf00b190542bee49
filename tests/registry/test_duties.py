"""The admission gate over HTTP: who may propose and admit, what is refused, and who hears of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.clock import VirtualClock
from service.main import create_app
from service.settings import EngineMode, Settings
from tests.house import CATEGORY, CELL, DEPARTMENT, START, STREET, House
from tests.registry.admissions import (
    APPROVE,
    DUTIES,
    OTHER,
    PROPOSALS,
    approve,
    duty,
    events_of,
    later,
    lead,
    move,
    propose,
    refused,
    stored,
)

pytestmark = pytest.mark.anyio

BEFORE_NOW = (START - timedelta(microseconds=1)).isoformat()
PARTNER = "440105001001-property"


async def test_what_is_proposed_is_told_and_nobodys_yet(house: House) -> None:
    before = await house.get("worker", DUTIES, limit=500)
    answer = await house.send("department", "POST", DUTIES, duty())
    assert (answer.status_code, answer.headers["location"]) == (201, PROPOSALS)
    shown = answer.json()
    assert shown == {
        **duty(),
        "valid_to": None,
        "proposed_by": {"kind": "unit", "subject": DEPARTMENT, "unit": DEPARTMENT},
        "proposed_at": "2026-11-23T01:00:00Z",
        "approved_by": None,
        "approved_at": None,
        "valid_from": None,
        "refused_by": None,
        "refused_at": None,
        "refused_reason": None,
    }
    assert (await house.get("auditor", PROPOSALS))["items"] == [shown]
    unnamed = {**shown, "proposed_by": {"kind": "unit", "unit": DEPARTMENT}}
    assert (await house.get("worker", PROPOSALS))["items"] == [unnamed], "a reporter learns of no person"
    assert await house.get("worker", DUTIES, limit=500) == before


async def test_ops_and_any_unit_may_propose(house: House) -> None:
    for who in ("ops", "community", "street", "department", "leader"):
        await propose(house, who, code=f"BY-{who}")


async def test_a_partner_asks_its_parent_to_propose(house: House) -> None:
    assert (await refused(house, DUTIES, duty(), PARTNER))[:2] == (403, "not_yours")
    detail = (await house.send(PARTNER, "POST", DUTIES, duty())).json()["detail"]
    assert "proposes no duties: ask 440105001001 (" in detail
    assert detail.endswith("or ops to propose this one.")


@pytest.mark.parametrize("who", ["worker", "auditor"])
async def test_others_may_not_propose_but_read(house: House, who: str) -> None:
    assert (await refused(house, DUTIES, duty(), who))[:2] == (403, "not_yours")
    assert (await refused(house, DUTIES, {}, who))[:2] == (422, "validation_failed"), "the body comes first"
    await propose(house)
    assert [each["code"] for each in (await house.get(who, PROPOSALS))["items"]] == ["EX-001"]


async def test_only_ops_may_approve(house: House) -> None:
    await propose(house)
    for who in ("worker", "auditor", "department", "street", "leader"):
        assert (await refused(house, APPROVE, {}, who))[:2] == (403, "not_yours"), who


async def test_the_same_again_is_answered_200_and_nothing_is_written(house: House) -> None:
    first = await propose(house, valid_to="2027-06-30")
    await house.key("street")
    before = await stored(house)
    for who, until in (("department", "2027-06-30"), ("street", "2027-06-29T16:00:00Z")):
        again = await house.send(who, "POST", DUTIES, duty(valid_to=until))
        assert (again.status_code, again.json()) == (200, first)
    assert await stored(house) == before


async def test_the_same_again_after_it_was_admitted_is_no_new_proposal(house: House) -> None:
    await propose(house)
    admitted = await approve(house, valid_from=later(1))
    again = await house.send("department", "POST", DUTIES, duty())
    assert (again.status_code, again.json()) == (200, admitted)
    await move(house, "dept-water", 2)
    await propose(house)  # back again: that is a change


async def test_another_proposal_of_the_code_waits_and_is_told_for_whom(house: House) -> None:
    others: list[dict[str, Any]] = [{"lead_unit": STREET}, {"assisting": []}, {"valid_to": later(9)}]
    others += [{name: "urban-02"} for name in ("title", "category", "basis")]
    await propose(house)
    await house.advance(seconds=60)
    for changed in others:
        assert (await refused(house, DUTIES, duty(**changed)))[:2] == (409, "conflict"), changed
    detail = (await house.send("ops", "POST", DUTIES, duty(title="别的"))).json()["detail"]
    assert DEPARTMENT in detail and "2026-11-23T09:00:00" in detail
    assert "they may correct or withdraw it, or ops approve or refuse it first" in detail
    assert "POST /v1/duties/EX-001/approve or /v1/duties/EX-001/refuse" in detail
    await propose(house, code="EX-002")  # other codes do not wait
    await approve(house)
    await propose(house, title="别的")


async def test_whoever_proposed_it_corrects_it_until_it_is_admitted(house: House) -> None:
    first = (await house.send("department", "POST", DUTIES, duty(title="写错了"))).json()
    await house.advance(seconds=60)
    corrected = await house.send("department", "POST", DUTIES, duty(title="更正"))
    assert (corrected.status_code, corrected.json()["title"]) == (201, "更正")
    assert corrected.json()["proposed_at"] > first["proposed_at"]
    listed = (await house.get("ops", f"{DUTIES}/proposals"))["items"]
    assert [each["title"] for each in listed] == ["更正"]
    assert (await house.send("street", "POST", DUTIES, duty(title="别的"))).status_code == 409
    path = f"{DUTIES}/{first['code']}/approve"
    stale = await house.send("ops", "POST", path, {"proposed_at": first["proposed_at"]})
    assert (stale.status_code, stale.json()["code"]) == (409, "conflict"), "ops read another one"
    read = {"proposed_at": corrected.json()["proposed_at"]}
    for _ in range(2):
        assert (await house.send("ops", "POST", path, read)).status_code == 200


async def test_everything_that_does_not_fit_the_registry_is_told_at_once(house: House) -> None:
    wrong = duty(category="nothing", area="440106", lead_unit=PARTNER, assisting=[DEPARTMENT, "x", "y"])
    status, code, pointers = await refused(house, DUTIES, {**wrong, "valid_to": later(0)})
    assert (status, code) == (422, "validation_failed")
    assert pointers == ["/valid_to", "/category", "/area", "/lead_unit", "/assisting/1", "/assisting/2"]
    assert (await refused(house, DUTIES, duty(area=CELL)))[2] == ["/area"]


async def test_what_is_no_longer_in_force_does_not_fit(house: House) -> None:
    fields = {"lead_unit": OTHER, "assisting/0": DEPARTMENT, "area": STREET, "category": "urban-01"}
    for field, code in fields.items():
        table = "category" if field == "category" else "unit"
        for end, wrong in ((START, [f"/{field}"]), (None, [])):
            async with house.process.database.begin() as tx:
                ends = text(f"UPDATE {table} SET valid_to = CAST(:end AS timestamptz) WHERE code = :code")
                await tx.execute(ends, {"end": end, "code": code})
            if wrong:
                assert await refused(house, DUTIES, duty(area=STREET)) == (422, "validation_failed", wrong)
    await propose(house, area=STREET)


async def test_the_log_tells_who_proposed_and_who_admitted_what(house: House) -> None:
    await house.advance(seconds=90)
    await propose(house, valid_to="2027-06-30")
    await approve(house, valid_from=later(1))
    [proposed], [admitted] = await events_of(house, "proposed"), await events_of(house, "approved")
    by = {"kind": "unit", "subject": DEPARTMENT, "unit": DEPARTMENT}
    shown = duty(valid_to="2027-06-29T16:00:00Z")
    assert proposed["data"] == {"duty": shown, "by": by}
    assert admitted["data"] == {
        "duty": {**shown, "valid_from": "2026-11-24T01:00:00Z"},
        "proposed_by": by,
        "taken_back": [],
        "by": {"kind": "ops", "subject": "ops"},
    }
    assert {(each["time"], each["source"], each.get("subject")) for each in (proposed, admitted)} == {
        ("2026-11-23T01:01:30Z", "/sihu/440105", None)
    }


@pytest.fixture
async def second(house: House, haizhu_url: str) -> AsyncIterator[House]:
    """Another process on the same database."""
    app = create_app(Settings(database_url=haizhu_url, engine=EngineMode.OFF), VirtualClock(START))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        other = House(app)
        yield other
        await other.close()


async def test_every_process_goes_by_what_was_admitted(house: House, second: House) -> None:
    async def called(where: House) -> str:
        calls = (await where.get("worker", f"/v1/grid-cells/{CELL}/chain", category=CATEGORY))["calls"]
        return str(calls[2]["unit"]["code"])

    assert await called(second) == DEPARTMENT
    await propose(house)
    await approve(house)
    assert await called(house) == OTHER, "at once where it was admitted"
    async with asyncio.timeout(10):
        while await called(second) != OTHER:
            await asyncio.sleep(0.01)
    assert await lead(second) == [OTHER]
