"""The limits of a subject over HTTP: who is refused, before what, and what stays possible."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from service.incidents.intake import Intake
from service.store.incidents import saving
from service.web import shares
from service.web.shares import MAX_AT_DATABASE, MAX_WAITING
from tests.house import CATEGORY, CELL, COMMUNITY, House

pytestmark = pytest.mark.anyio

QUEUE = f"/v1/queues/{COMMUNITY}"
BODY = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积"}


async def holds(house: House, who: str, many: int) -> list[asyncio.Task[httpx.Response]]:
    """Polls of this queue that are held from now on."""
    await house.sealed()
    tag = (await house.send(who, "GET", QUEUE)).headers["ETag"]
    line = {"If-None-Match": tag}
    polls = [asyncio.create_task(house.send(who, "GET", QUEUE, headers=line, wait=20)) for _ in range(many)]
    async with asyncio.timeout(10):
        while len(house.process.held) < many:
            await asyncio.sleep(0.01)
    return polls


async def ended(tasks: list[asyncio.Task[httpx.Response]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def is_too_many(answer: httpx.Response) -> bool:
    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["retryable"]) == (429, "too_many", True), answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    return True


@pytest.mark.clause("API4:2023", "ASVS 2.4.1")
async def test_the_sixty_fifth_poll_is_refused_and_reads_go_on(house: House) -> None:
    polls = await holds(house, "community", MAX_WAITING)
    sample = house.process.metrics.registry.get_sample_value
    assert sample("sihu_held_requests") == MAX_WAITING
    tag = (await house.send("community", "GET", QUEUE)).headers["ETag"]
    assert is_too_many(await house.send("community", "GET", QUEUE, headers={"If-None-Match": tag}, wait=20))
    assert await house.get("community", "/v1/incidents") is not None
    [other] = await holds(house, "street", 1)
    await ended([*polls, other])
    assert sample("sihu_held_requests") == 0
    assert (await house.send("community", "GET", QUEUE, headers={"If-None-Match": tag})).status_code == 304


async def test_a_full_share_is_refused_before_anything_else(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """After 401, but before the size and type of a body, and before 404."""
    monkeypatch.setattr(shares, "MAX_AT_DATABASE", 0)
    polls = await holds_at_once(house)
    for method, path, content in (
        ("POST", "/v1/incidents", "x" * 100_000),
        ("POST", "/v1/nowhere", "{"),
        ("GET", "/v1/nowhere", None),
        ("GET", "/v1/queues/none", None),
    ):
        assert is_too_many(await house.raw("community", method, path, content))
    answer = await house.send("community", "GET", QUEUE, headers={"Authorization": "Bearer sihu_wrong"})
    assert answer.status_code == 401
    in_chinese = await house.send("community", "GET", QUEUE, headers={"Accept-Language": "zh"})
    assert "等待" in in_chinese.json()["detail"]
    await ended(polls)


async def holds_at_once(house: House) -> list[asyncio.Task[httpx.Response]]:
    """The polls of one who may not go to the database any more: `*` is unchanged whatever the queue is."""
    line = {"If-None-Match": "*"}
    await house.key("community")
    polls = [
        asyncio.create_task(house.send("community", "GET", QUEUE, headers=line, wait=20)) for _ in range(MAX_WAITING)
    ]
    async with asyncio.timeout(10):
        while len(house.process.held) < MAX_WAITING:
            await asyncio.sleep(0.01)
    return polls


@pytest.mark.clause("ASVS 15.2.2")
async def test_the_ninth_waits_for_a_turn_and_others_do_not(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MAX_TURN_S", 0.2)
    incident = await house.report()
    path = f"/v1/incidents/{incident['id']}/comment"
    async with house.process.database.begin() as tx:
        await saving.lock(tx, [UUID(incident["id"])])
        stuck = [
            asyncio.create_task(house.send("worker", "POST", path, {"text": "还在"})) for _ in range(MAX_AT_DATABASE)
        ]
        await asyncio.sleep(0.1)
        refused = await house.send("worker", "GET", "/v1/incidents")
        assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (
            503,
            "unavailable",
            "1",
        )
        assert await house.get("street", "/v1/incidents") is not None
    assert {answer.status_code for answer in await asyncio.gather(*stuck)} == {200}
    assert await house.get("worker", "/v1/incidents") is not None


async def test_reports_take_no_turn_while_they_wait(house: House) -> None:
    """Forty of one key are stored in few transactions."""
    await house.key("worker")
    answers = await asyncio.gather(*(house.send("worker", "POST", "/v1/incidents", BODY) for _ in range(40)))
    assert {answer.status_code for answer in answers} == {201}
    groups = house.process.metrics.registry.get_sample_value("sihu_intake_group_size_count") or 0
    assert groups < 40 / MAX_AT_DATABASE


async def test_reports_count_as_waiting(house: House) -> None:
    await house.process.context.part(Intake).stop()
    await house.key("worker")
    stuck = [asyncio.create_task(house.send("worker", "POST", "/v1/incidents", BODY)) for _ in range(MAX_WAITING)]
    await asyncio.sleep(0.5)
    assert is_too_many(await house.send("worker", "POST", "/v1/incidents", BODY))
    assert is_too_many(await house.send("worker", "POST", "/v1/incidents/batch", {"items": [BODY]}))
    assert await house.get("worker", "/v1/incidents") is not None
    await ended(stuck)


async def test_every_answer_to_a_write_says_what_is_left(house: House) -> None:
    answers: list[Any] = [
        await house.send("worker", "POST", "/v1/incidents", BODY),
        await house.send("worker", "POST", "/v1/incidents", {}),
        await house.send("worker", "DELETE", "/v1/nowhere"),
        await house.raw("worker", "POST", "/v1/incidents", "x" * 100_000),
    ]
    assert [answer.status_code for answer in answers] == [201, 422, 404, 413]
    for used, answer in enumerate(answers, start=1):
        assert answer.headers["RateLimit-Policy"] == '"writes";q=500;w=10'
        left, full_in_s = answer.headers["RateLimit"].removeprefix('"writes";r=').split(";t=")
        assert 500 - used <= int(left) <= 499 and int(full_in_s) == 1
    read = await house.send("worker", "GET", "/v1/incidents")
    assert "RateLimit" not in read.headers


@pytest.mark.clause("API4:2023", "ASVS 2.4.1")
async def test_the_bucket_of_writes_is_the_subjects_alone(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MAX_WRITES", 3)
    monkeypatch.setattr(shares, "_PER_S", 0.0001)
    for _ in range(3):
        assert (await house.send("worker", "POST", "/v1/incidents", {})).status_code == 422
    refused = await house.send("worker", "POST", "/v1/incidents", BODY)
    assert is_too_many(refused) and refused.headers["RateLimit"].startswith('"writes";r=0;t=')
    assert (await house.get("worker", "/v1/incidents"))["items"] == []
    assert (await house.send("colleague", "POST", "/v1/incidents", BODY)).status_code == 201
