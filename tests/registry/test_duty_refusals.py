"""A proposal that is refused, or withdrawn by whoever made it: with its reason, once, and out of the next one's way."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from tests.house import DEPARTMENT, STREET, House
from tests.registry.admissions import (
    APPROVE,
    DUTIES,
    OTHER,
    PROPOSALS,
    REFUSE,
    approve,
    duty,
    events_of,
    later,
    lead,
    propose,
    refuse,
    refused,
    stored,
)

pytestmark = pytest.mark.anyio

WHY = {"reason": "尚未下放"}


async def test_ops_refuse_what_was_proposed_and_everybody_reads_why(house: House) -> None:
    proposed = await propose(house)
    duties = await house.get("worker", DUTIES, limit=500)
    await house.advance(seconds=60)
    ended = await refuse(house)
    assert ended == {
        **proposed,
        "refused_by": {"kind": "ops", "subject": "ops"},
        "refused_at": "2026-11-23T01:01:00Z",
        "refused_reason": "尚未下放",
    }
    for who in ("auditor", "department"):
        assert (await house.get(who, PROPOSALS))["items"] == [ended]
    [read] = (await house.get("worker", PROPOSALS))["items"]
    assert (read["refused_by"], read["refused_reason"]) == ({"kind": "ops"}, "尚未下放")
    assert await house.get("worker", DUTIES, limit=500) == duties
    assert await lead(house) == [DEPARTMENT]


async def test_whoever_proposed_it_withdraws_it_and_no_other_unit_does(house: House) -> None:
    await propose(house)
    for who in ("street", "community", "leader", OTHER):
        assert (await refused(house, REFUSE, WHY, who))[:2] == (403, "not_yours"), who
    detail = (await house.send("street", "POST", REFUSE, WHY)).json()["detail"]
    assert detail == f"Duty EX-001 was proposed by {DEPARTMENT}: they may withdraw it, and ops refuse it."
    for who in ("worker", "auditor"):
        assert (await refused(house, REFUSE, WHY, who))[:2] == (403, "not_yours"), who
    withdrawn = await refuse(house, "department", "写错了")
    assert withdrawn["refused_by"] == {"kind": "unit", "subject": DEPARTMENT, "unit": DEPARTMENT}
    assert (await refused(house, REFUSE, {"reason": "写错了"}, "street"))[0] == 403, "not hers afterwards either"


async def test_after_it_another_may_propose_and_so_may_the_same_again(house: House) -> None:
    await propose(house)
    await refuse(house)
    await propose(house, "street", lead_unit=STREET, area=STREET)
    await refuse(house, "street", "先问社区")
    again = await propose(house)
    assert again["refused_at"] is None
    assert [each["refused_reason"] for each in (await house.get("worker", PROPOSALS))["items"]] == [
        None,
        "先问社区",
        "尚未下放",
    ]
    await approve(house)
    assert await lead(house) == [OTHER]


async def test_the_same_refusal_again_is_answered_the_same_and_done_once(house: House) -> None:
    await propose(house)
    first = await refuse(house)
    await house.advance(seconds=60)
    before = await stored(house)
    assert await refuse(house) == first
    assert await stored(house) == before
    assert (await refused(house, REFUSE, {"reason": "另一个理由"}))[:2] == (409, "conflict")
    detail = (await house.send("ops", "POST", REFUSE, {"reason": "另一个理由"})).json()["detail"]
    assert "was refused at 2026-11-23T09:00:00+08:00 by ops" in detail
    assert "POST /v1/duties proposes it anew" in detail


async def test_what_was_approved_is_not_refused_and_what_was_refused_not_approved(house: House) -> None:
    await propose(house)
    await approve(house, valid_from=later(3))
    for who in ("ops", "department"):
        assert (await refused(house, REFUSE, WHY, who))[:2] == (409, "conflict")
    detail = (await house.send("ops", "POST", REFUSE, WHY)).json()["detail"]
    assert "POST /v1/duties with what should hold instead" in detail
    await propose(house, lead_unit=DEPARTMENT)
    await refuse(house)
    for body in ({}, {"valid_from": later(3)}):
        assert (await refused(house, APPROVE, body))[:2] == (409, "conflict")
    assert "POST /v1/duties proposes it anew" in (await house.send("ops", "POST", APPROVE, {})).json()["detail"]
    assert await lead(house, at=later(3)) == [OTHER], "what was admitted before stands"


async def test_what_nobody_proposed_is_not_there_to_be_refused(house: House) -> None:
    for who in ("ops", "department"):
        for code in ("NEVER", "x" * 64):
            assert (await refused(house, f"{DUTIES}/{code}/refuse", WHY, who))[:2] == (404, "not_found")
        assert (await refused(house, REFUSE, WHY, who))[:2] == (409, "conflict")
    assert "Nothing is proposed" in (await house.send("ops", "POST", REFUSE, WHY)).json()["detail"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": None}, "/reason"),
        ({"reason": " "}, "/reason"),
        ({"reason": "\x00"}, "/reason"),
        ({"reason": 1}, "/reason"),
        ({"reason": "长" * 2001}, "/reason"),
        ({**WHY, "why": "x"}, "/why"),
    ],
)
async def test_a_refusal_has_a_reason_within_bounds(house: House, body: dict[str, Any], pointer: str) -> None:
    await propose(house)
    assert await refused(house, REFUSE, body) == (422, "validation_failed", [pointer])


async def test_the_log_tells_who_refused_what_and_why(house: House) -> None:
    proposed = await propose(house)
    await house.advance(seconds=90)
    await refuse(house, reason="长" * 2000)
    [event] = await events_of(house, "refused")
    assert (event["time"], event["source"], event.get("subject")) == ("2026-11-23T01:01:30Z", "/sihu/440105", None)
    assert event["data"] == {
        "duty": {**duty(), "valid_to": None},
        "proposed_by": proposed["proposed_by"],
        "reason": "长" * 2000,
        "by": {"kind": "ops", "subject": "ops"},
    }


async def test_of_an_approval_and_a_refusal_at_once_one_counts(house: House) -> None:
    await propose(house)
    await house.key("ops")
    requests = [(APPROVE, {}), (REFUSE, WHY)] * 3
    sent = await asyncio.gather(*(house.send("ops", "POST", path, body) for path, body in requests))
    won = [path for (path, _), answer in zip(requests, sent, strict=True) if answer.status_code == 200]
    assert sorted(answer.status_code for answer in sent) == [200] * 3 + [409] * 3
    assert len(set(won)) == 1
    events = [len(await events_of(house, kind)) for kind in ("approved", "refused")]
    assert events == ([1, 0] if won[0] == APPROVE else [0, 1])


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("refused_at = now()", "duty_proposal_refused"),
        ("refused_by = '{}', refused_at = now()", "duty_proposal_refused"),
        (
            "refused_by = '{}', refused_at = now(), refused_reason = 'x', "
            "approved_by = '{}', approved_at = now(), valid_from = now()",
            "duty_proposal_decided_once",
        ),
    ],
)
async def test_the_database_itself_refuses_half_a_decision_and_two(house: House, change: str, constraint: str) -> None:
    await propose(house)
    with pytest.raises(IntegrityError, match=constraint):
        async with house.process.database.begin() as tx:
            await tx.execute(text(f"UPDATE duty_proposal SET {change}"))
