"""The close of a month through real handlers: when, by whom, how often, and what the log has of it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from sqlalchemy import func, select, text

from service.store.figures.tables import appraisal_frozen, appraisal_month
from tests.appraisal.calls import store
from tests.house import DEPARTMENT, House
from tests.rules.figures.facts import CALLS, COMMUNITY, FAR, a_call

pytestmark = pytest.mark.anyio

PATH = "/v1/appraisal"
END = "2026-12-01T00:00:00+08:00"


async def _close(house: House, period: str = "2026-11", who: str = "ops") -> Any:
    return await house.send(who, "POST", f"{PATH}/{period}/close")


async def _closed(house: House, period: str = "2026-11") -> Any:
    answer = await _close(house, period)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _events(house: House) -> list[Any]:
    await house.sealed()
    found: list[Any] = (await house.get("auditor", "/v1/events", types="sihu.appraisal.closed"))["items"]
    return found


async def _figures(house: House, who: str = "auditor", **query: Any) -> Any:
    return await house.get(who, PATH, period="2026-11", **query)


async def test_a_month_is_closed_once(house: House) -> None:
    await store(house.process.database, CALLS)
    await house.advance(to=END)
    first = await _closed(house)
    assert first == {
        "period": "2026-11",
        "closed_at": "2026-11-30T16:00:00Z",
        "calls": 25,
        "pending": 1,
        "policy": {"code": "example", "version": 1},
        "digest": first["digest"],
        "seed": first["seed"],
        "figures": "/v1/appraisal?period=2026-11",
    }
    (event,) = await _events(house)
    told = {name: first[name] for name in ("period", "calls", "pending", "policy", "digest", "seed")}
    assert event["data"] == {**told, "by": {"kind": "ops", "subject": "ops"}}
    await house.advance(seconds=3600)
    assert await _closed(house) == first
    assert len(await _events(house)) == 1


async def test_the_seed_is_revealed_at_the_close(house: House) -> None:
    """It is the one whose SHA-256 was in the log before; of a month that began without one there is none."""
    await house.advance(to=END)
    await house.sealed()
    published = (await house.get("auditor", "/v1/events", types="sihu.appraisal.seeded"))["items"]
    digests = {each["data"]["period"]: each["data"]["digest"] for each in published}
    assert (await _figures(house))["seed"] is None
    seed = (await _closed(house))["seed"]
    assert hashlib.sha256(bytes.fromhex(seed)).hexdigest() == digests["2026-11"]
    assert (await _figures(house, "street"))["seed"] == seed
    assert (await house.get("auditor", PATH, period="2026-12"))["seed"] is None
    assert (await _closed(house, "2026-09"))["seed"] is None


async def test_of_many_closes_at_once_one_counts(house: House) -> None:
    await store(house.process.database, CALLS)
    await house.advance(to=END)
    answers = await asyncio.gather(*(_close(house) for _ in range(4)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.content for each in answers}) == 1
    assert len(await _events(house)) == 1
    async with house.process.database.read() as connection:
        calls = await connection.scalar(select(func.sum(appraisal_frozen.c.calls)))
    assert calls == 25


@pytest.mark.parametrize(("language", "words"), [("en", "2026-11 ends at"), ("zh", "2026-11 到")])
async def test_a_month_that_is_not_over_stays_open(house: House, language: str, words: str) -> None:
    await house.advance(to="2026-11-30T23:59:59.999+08:00")
    for period in ("2026-11", "2026-12", "2199-12"):
        refused = await house.send("ops", "POST", f"{PATH}/{period}/close", headers={"Accept-Language": language})
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert refused.json()["detail"].startswith(words.replace("2026-11", period))
    async with house.process.database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(appraisal_month)) == 0


async def test_a_month_without_calls_is_closed_too(house: House) -> None:
    closed = await _closed(house, "2000-01")
    assert (closed["calls"], closed["pending"], closed["policy"]) == (0, 0, None)
    found = await house.get("auditor", PATH, period="2000-01")
    assert (found["items"], found["corrections"], found["closed_at"]) == ([], [], closed["closed_at"])


@pytest.mark.parametrize("who", ["auditor", "street", "worker"])
async def test_nobody_but_ops_closes_a_month(house: House, who: str) -> None:
    refused = await _close(house, "2026-10", who)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE appraisal_month SET closed_at = NULL, digest = NULL, policy_code = NULL, policy_version = NULL",
        "WITH gone AS (DELETE FROM appraisal_frozen) DELETE FROM appraisal_month",
    ],
)
async def test_a_closed_month_is_never_frozen_anew(house: House, change: str) -> None:
    """Whoever sets it open in the database would otherwise have other figures by a second close."""
    await store(house.process.database, CALLS)
    await house.advance(to=END)
    await _closed(house)
    async with house.process.database.begin() as tx:
        await tx.execute(text(change))
    refused = await _close(house)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert refused.json()["detail"].startswith(f"The log has that 2026-11 was closed at {END}, but its row")
    assert len(await _events(house)) == 1


async def test_a_close_has_nothing_to_choose(house: House) -> None:
    """A missing body counts as {}, and what is sent in vain is refused before anything is frozen."""
    path = f"{PATH}/2026-10/close"
    for body, pointer in (({"period": "2026-09"}, "/period"), ({"at": END}, "/at"), ([], "")):
        refused = await house.send("ops", "POST", path, body)
        assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
        assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]
    broken = await house.raw("ops", "POST", path, "{")
    assert (broken.status_code, broken.json()["code"]) == (400, "bad_json")
    assert (await house.get("auditor", PATH, period="2026-10"))["closed_at"] is None
    assert (await house.send("ops", "POST", path, {})).json() == await _closed(house, "2026-10")


@pytest.mark.parametrize("period", ["2026-13", "2026", "1999-12", "2200-01", "x"])
async def test_a_period_is_a_month(house: House, period: str) -> None:
    refused = await _close(house, period)
    assert (refused.status_code, refused.json()["detail"]) == (404, f"{period} is no month, such as 2026-11.")


async def test_the_event_is_for_auditors_and_ops_alone(house: House) -> None:
    await _closed(house, "2026-10")
    await house.sealed()
    for who, seen in (("ops", 1), ("street", 0), ("worker", 0)):
        found = await house.get(who, "/v1/events", types="sihu.appraisal.closed")
        assert len(found["items"]) == seen


@pytest.mark.parametrize("group_by", ["unit", "street", "department", "line", "level"])
async def test_nothing_changes_by_closing(house: House, group_by: str) -> None:
    """Every figure of every group, for everybody who sees some, is what it was, but `closed_at` and `seed`."""
    await store(house.process.database, CALLS)
    await house.advance(to=END)
    people = ("auditor", "ops", "community", "street", "other_street", "department", "leader")
    before = {who: await _figures(house, who, group_by=group_by) for who in people}
    closed = await _closed(house)
    since = {name: closed[name] for name in ("closed_at", "seed")}
    for who, was in before.items():
        assert was["closed_at"] is None
        assert await _figures(house, who, group_by=group_by) == {**was, **since}


async def test_a_reader_sees_corrections_as_far_as_figures(house: House) -> None:
    calls = [a_call(1), a_call(2, level=3, unit=DEPARTMENT, grid_code=FAR), a_call(3, unit=FAR[:12], grid_code=FAR)]
    await store(house.process.database, calls)
    await house.advance(to=END)
    await _closed(house)
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE call SET extended = true"))
    seen = {}
    for who in ("auditor", "community", "street", "other_street", "department"):
        found = (await _figures(house, who))["corrections"]
        assert {(each["measure"], each["was"], each["is"]) for each in found} == {("extended", 0, 1)}
        seen[who] = {each["group"]["code"] for each in found}
    ours, theirs = {COMMUNITY}, {FAR[:12], DEPARTMENT}
    assert seen == {
        "auditor": ours | theirs,
        "community": ours,
        "street": ours,
        "other_street": theirs,
        "department": {DEPARTMENT},
    }
