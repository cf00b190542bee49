"""A merge in the use case: a key, a version and a lock of words that go on to the survivor; both sides of a refusal."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from tests.house import House

pytestmark = pytest.mark.anyio


async def _told(house: House, incident: Any) -> list[tuple[str, str | None]]:
    items = (await house.get("ops", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    return [(each["type"].removeprefix("sihu."), each["data"]["note"]) for each in items]


async def test_a_repeated_word_is_one_along_the_chain(house: House) -> None:
    chain = [await house.report("colleague"), await house.report(), await house.report(), await house.report()]
    key, path = {"Idempotency-Key": "c-1"}, f"/v1/incidents/{chain[0]['id']}/comment"
    for n, into in enumerate(chain[1:]):
        await house.act("street", chain[n], "merge", into=into["id"], reason="同一件")
        answer = await house.send("colleague", "POST", path, {"text": "还没人来"}, headers=key)
        assert (answer.status_code, answer.json()["id"]) == (200, into["id"])
        assert ("idempotency-replayed" in answer.headers) == (n > 0)
    own = await house.send(
        "colleague", "POST", f"/v1/incidents/{chain[3]['id']}/comment", {"text": "另一句"}, headers=key
    )
    assert (own.status_code, "idempotency-replayed" in own.headers) == (200, False), "a key is one of its incident"
    other = await house.send("colleague", "POST", path, {"text": "别的"}, headers=key)
    assert other.json()["code"] == "idempotency_mismatch"
    words = [note for each in chain for kind, note in await _told(house, each) if kind == "incident.commented"]
    assert sorted(words, key=str) == ["另一句", "还没人来"]


async def test_a_word_sent_before_the_merge_is_not_said_again(house: House) -> None:
    one, other = await house.report("colleague"), await house.report()
    key, path = {"Idempotency-Key": "c-1"}, f"/v1/incidents/{one['id']}/comment"
    first = await house.send("colleague", "POST", path, {"text": "还没人来"}, headers=key)
    await house.act("street", one, "merge", into=other["id"], reason="同一件")
    again = await house.send("colleague", "POST", path, {"text": "还没人来"}, headers=key)
    assert (first.status_code, again.status_code, again.headers["idempotency-replayed"]) == (200, 200, "true")
    assert "incident.commented" not in [kind for kind, _ in await _told(house, other)]


async def test_if_match_names_the_version_of_the_incident_addressed(house: House) -> None:
    first, last = await house.report("colleague"), await house.report()
    await house.act("street", first, "merge", into=last["id"], reason="同一件")
    closed = await house.get("colleague", f"/v1/incidents/{first['id']}")
    path = f"/v1/incidents/{first['id']}/comment"
    for version, status in ((closed["version"], 200), (closed["version"] + 1, 412)):
        answer = await house.send("colleague", "POST", path, {"text": "x"}, headers={"If-Match": f'"{version}"'})
        assert answer.status_code == status
    shown = await house.get("colleague", f"/v1/incidents/{last['id']}")
    answer = await house.send("colleague", "POST", path, {"text": "x"})
    assert answer.headers["etag"] == f'"{shown["version"]}"'


async def test_words_and_merges_at_once_are_all_heard_once(house: House) -> None:
    """Comments to every part of a chain while it grows: none waits for ever, and each is at one place."""
    chain = [await house.report("colleague")] + [await house.report() for _ in range(5)]
    merges = [
        house.send("ops", "POST", f"/v1/incidents/{one['id']}/merge", {"into": into["id"], "reason": "同一件"})
        for one, into in pairwise(chain)
    ]
    words = [
        house.send("colleague", "POST", f"/v1/incidents/{chain[0]['id']}/comment", {"text": f"第{n}句"})
        for n in range(20)
    ]
    answers = await asyncio.gather(
        *(each for pair in zip(words, [*merges, *merges[:0]], strict=False) for each in pair)
    )
    answers += await asyncio.gather(*words[len(merges) :])
    assert {each.status_code for each in answers} <= {200, 409}
    said = [note for each in chain for kind, note in await _told(house, each) if kind == "incident.commented"]
    assert sorted(said, key=str) == sorted(f"第{n}句" for n in range(20))


async def test_refusals_of_a_merge_come_in_the_contracts_order(house: House) -> None:
    """Who, then the version, then the state, then what the body names."""
    own, other = await house.report(), await house.report("street")
    unknown = "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11"
    stale = {"If-Match": '"9"'}

    async def code(into: str, headers: dict[str, str] | None = None) -> str:
        body = {"into": into, "reason": "同一件"}
        answer = await house.send("street", "POST", f"/v1/incidents/{own['id']}/merge", body, headers=headers)
        return str(answer.json()["code"])

    assert await code(other["id"], stale) == "not_yours"
    assert await code(unknown, stale) == "version_moved"
    assert await code(unknown) == "validation_failed"
    await house.act("worker", own, "withdraw", reason="弄错了")
    assert await code(unknown) == "illegal_transition"


async def test_two_merged_crosswise_again_and_again_leave_one_open(house: House) -> None:
    for _ in range(8):
        one, other = await house.report(), await house.report("colleague")
        answers = await asyncio.gather(
            *(
                house.send(who, "POST", f"/v1/incidents/{a['id']}/merge", {"into": b["id"], "reason": "同一件"})
                for who, a, b in (("street", one, other), ("ops", other, one), ("ops", one, other))
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409]
