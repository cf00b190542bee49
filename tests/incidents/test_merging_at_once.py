"""Merges at the same moment, crosswise and in rings: none waits for ever, none is half-done, none turns in a circle."""

from __future__ import annotations

import asyncio
import random

import pytest

from tests.house import House

pytestmark = pytest.mark.anyio


@pytest.mark.clause("ASVS 2.3.4")
async def test_two_that_are_merged_into_each_other_leave_one_open(house: House) -> None:
    one, other = await house.report(), await house.report()
    answers = await asyncio.gather(
        *(
            house.send(who, "POST", f"/v1/incidents/{a['id']}/merge", {"into": b["id"], "reason": "同一件"})
            for who, a, b in (("street", one, other), ("ops", other, one))
        )
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409]
    states = [(await house.get("worker", f"/v1/incidents/{each['id']}"))["state"] for each in (one, other)]
    assert sorted(states) == ["calling", "closed"]


async def test_many_merges_at_once_end_in_a_tree_whose_root_is_open(house: House) -> None:
    chance = random.Random(20261123)
    ids = [(await house.report())["id"] for _ in range(12)]
    pairs = [chance.sample(ids, 2) for _ in range(60)]
    answers = await asyncio.gather(
        *(house.send("street", "POST", f"/v1/incidents/{a}/merge", {"into": b, "reason": "同一件"}) for a, b in pairs)
    )
    assert {answer.status_code for answer in answers} <= {200, 409, 503}, "a slow machine may be too busy for some"
    shown = {each["id"]: each for each in (await house.get("street", "/v1/incidents", limit=50))["items"]}
    done = sum(answer.status_code == 200 for answer in answers)
    assert sum(each["state"] == "closed" for each in shown.values()) == done > 5
    for each in shown.values():
        seen = set()
        while each["merged_into"]:
            assert each["id"] not in seen, "merged in a circle"
            seen.add(each["id"])
            each = shown[each["merged_into"]]
        assert each["state"] == "calling"


async def test_a_repeated_merge_is_one(house: House) -> None:
    one, other = await house.report(), await house.report("colleague")
    body, key = {"into": other["id"], "reason": "同一件"}, {"Idempotency-Key": "m-1"}
    path = f"/v1/incidents/{one['id']}/merge"
    answers = await asyncio.gather(*(house.send("street", "POST", path, body, headers=key) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert sum(answer.headers.get("Idempotency-Replayed") == "true" for answer in answers) == 4
    told = (await house.get("colleague", f"/v1/incidents/{other['id']}/timeline"))["items"]
    assert [each["type"] for each in told].count("sihu.incident.merged") == 1
