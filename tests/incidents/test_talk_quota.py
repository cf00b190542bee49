"""Comments and urges of one subject are 60 an hour, over all processes, and replays are free."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from service.incidents.talk_quota import MAX_TALK
from service.rules.words import EventType
from service.store.log import writing
from service.store.log.writing import Entry
from tests.house import House

pytestmark = pytest.mark.anyio


async def talk(house: House, incident: dict[str, str], verb: str = "comment", **headers: str) -> httpx.Response:
    body = {"text": "还在"} if verb == "comment" else {"message": "请尽快"}
    return await house.send("worker", "POST", f"/v1/incidents/{incident['id']}/{verb}", body, headers=headers)


async def talked(house: House, times: int) -> None:
    """As if another process had taken them."""
    now = house.process.clock.now()
    entry = Entry(EventType.INCIDENT_URGED, now, "440105003001001", (), {}, subject="worker")
    async with house.process.database.begin() as tx:
        await writing.append(tx, [entry] * times)


@pytest.mark.clause("ASVS 2.3.2")
async def test_the_sixty_first_waits_for_the_hour(house: House) -> None:
    incident, other = await house.report(), await house.report()
    await talked(house, MAX_TALK - 2)
    await house.advance(seconds=600)
    assert (await talk(house, incident, "urge")).status_code == 200
    first = await talk(house, incident, **{"Idempotency-Key": "k"})
    assert first.status_code == 200
    for verb in ("comment", "urge"):
        refused = await talk(house, other, verb)
        assert (refused.status_code, refused.json()["code"]) == (429, "quota"), refused.text
        assert refused.json()["retryable"] and refused.headers["Retry-After"] == "3000"
        assert refused.json()["detail"].endswith("send this one again in 50 min.")
    again = await talk(house, incident, **{"Idempotency-Key": "k"})
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (200, "true")
    assert (await house.act("worker", other, "withdraw", reason="误报"))["state"] == "closed"
    await house.advance(seconds=3000)
    assert (await talk(house, other)).status_code == 200


async def test_the_quota_comes_after_403_and_before_412_and_409(house: House) -> None:
    incident = await house.report()
    await house.act("worker", incident, "withdraw", reason="误报")
    await talked(house, MAX_TALK)
    moved = await talk(house, incident, **{"If-Match": '"77"'})
    illegal = await talk(house, incident, "urge")
    assert [moved.json()["code"], illegal.json()["code"]] == ["quota", "quota"]
    unseen = await talk(house, {"id": "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11"})
    assert unseen.status_code == 404
    called = await house.report("colleague")
    assert (await talk(house, called)).json()["code"] == "not_yours"


async def test_comments_at_once_do_not_pass_the_quota_together(house: House) -> None:
    incidents = [await house.report() for _ in range(6)]
    await talked(house, MAX_TALK - 2)
    answers = await asyncio.gather(*(talk(house, each) for each in incidents))
    assert sorted(each.status_code for each in answers) == [200, 200, 429, 429, 429, 429]
