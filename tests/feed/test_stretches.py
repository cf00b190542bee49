"""The part that keeps room in the log, and what people see of a log of which the oldest is archived."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.appraisal import checking
from service.feed.stretches import LogStretches
from service.rules.errors import Unavailable
from service.rules.figures.definition import Period
from service.store.log import stretches
from service.store.log.stretches import STRETCH, LogRoom
from tests.house import START, House
from tests.store.log.batches import skip_to

pytestmark = pytest.mark.anyio

DAYS = 180
BORDER = 2 * STRETCH


def _keeper(house: House, feed_days: int | None = DAYS) -> LogStretches:
    return LogStretches(house.process.context, feed_days)


async def _kept(house: House, feed_days: int | None = DAYS) -> None:
    """Have the log kept in order. It is tried again while somebody is in the way, as by the part itself."""
    async with asyncio.timeout(10):
        while not await _keeper(house, feed_days).check():
            await asyncio.sleep(0.01)


async def _room(house: House) -> LogRoom:
    async with house.process.database.read() as connection:
        return await stretches.room(connection)


async def _timeline(house: House, incident: Any, **query: Any) -> Any:
    return await house.get("worker", f"/v1/incidents/{incident['id']}/timeline", **query)


async def _a_year_later(house: House) -> None:
    """The next stretch begins after all that was done so far, and something is done in it when the feed is over."""
    await house.sealed()
    await skip_to(house.process.database, BORDER + 1)
    await _kept(house, None)
    await house.advance(to=(START + timedelta(days=2 * DAYS)).isoformat())
    await house.report()
    await house.sealed()


def _answer(house: House, incident: Any, measure: str = "派人清理") -> Any:
    headers = {"Idempotency-Key": "once"}
    path = f"/v1/incidents/{incident['id']}/answer"
    return house.send("community", "POST", path, {"measure": measure}, headers=headers)


async def test_every_process_keeps_room(house: House) -> None:
    part = house.process.context.part(LogStretches)
    await skip_to(house.process.database, BORDER - 1)
    assert await part.check()
    assert (await _room(house)).batches >= STRETCH
    assert (house.process.metrics.registry.get_sample_value("sihu_log_room_batches") or 0) >= STRETCH


async def test_without_days_everything_is_kept(house: House) -> None:
    await house.report()
    await _a_year_later(house)
    await _kept(house, None)
    assert (await _room(house)).archived == ()


async def test_timelines_outlive_the_feed(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "answer", measure="派人清理")
    await house.sealed()
    first = await house.get("ops", "/v1/events", limit=1)
    await _a_year_later(house)
    before = await _timeline(house, incident, limit=500)
    await _kept(house)
    assert len((await _room(house)).archived) == 1

    assert await _timeline(house, incident, limit=500) == before
    paged = await _timeline(house, incident, limit=2)
    rest = await _timeline(house, incident, limit=500, cursor=paged["next_cursor"])
    assert paged["items"] + rest["items"] == before["items"]
    expired = await house.send("ops", "GET", "/v1/events", after=first["next_cursor"])
    assert (expired.status_code, expired.json()["code"]) == (410, "cursor_expired")
    oldest = await house.get("ops", "/v1/events", after=expired.json()["oldest"], limit=500)
    kept = {each["id"] for each in oldest["items"]}
    assert kept
    assert kept.isdisjoint({before["items"][0]["id"], before["items"][1]["id"]})
    assert oldest["items"] == (await house.get("ops", "/v1/events", limit=500))["items"]


async def test_an_act_is_not_done_twice_across_stretches(house: House) -> None:
    """The constraint holds within one stretch; the look-up under the lock of the incident is the last word."""
    incident = await house.report()
    done = await _answer(house, incident)
    await _a_year_later(house)
    for archived in (False, True):
        again = await _answer(house, incident)
        assert again.status_code == done.status_code == 200
        assert again.headers["Idempotency-Replayed"] == "true"
        other = await _answer(house, incident, "别的措施")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
        if not archived:
            await _kept(house)
    assert len((await _room(house)).archived) == 1
    types = [each["type"] for each in (await _timeline(house, incident, limit=500))["items"]]
    assert types.count("sihu.call.answered") == 1


async def test_an_archived_month_still_agrees(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "answer", measure="派人清理")
    await _a_year_later(house)
    await _kept(house)
    world, database = house.process.worlds.world, house.process.database
    assert await checking.differences(database, Period(2026, 11), world) == []
    async with database.begin() as tx:
        later = "UPDATE event_archive SET at = at + interval '1 hour' WHERE type = 'sihu.call.answered'"
        await tx.execute(text(later))
    assert await checking.differences(database, Period(2026, 11), world) != []


async def test_a_reader_in_the_way_is_let_finish(house: House) -> None:
    await house.report()
    await _a_year_later(house)
    async with house.process.database.read() as reader:
        await reader.execute(text("SELECT count(*) FROM event"))
        assert not await _keeper(house).check(), "it is tried again soon"
        await house.report()
    await _kept(house)
    assert len((await _room(house)).archived) == 1


async def test_what_did_not_succeed_is_soon_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pauses grow from a second on while it fails, whatever the pause was before."""
    found = iter([True, False, False, True, False])
    pauses: list[float] = []

    async def check(_: LogStretches) -> bool:
        return next(found)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) > 5:
            raise asyncio.CancelledError

    monkeypatch.setattr(LogStretches, "check", check)
    monkeypatch.setattr("service.feed.stretches.asyncio.sleep", pause)
    with pytest.raises(asyncio.CancelledError):
        await _keeper(house)._run()
    assert pauses == [1, 60, 1, 2, 60, 1]


async def test_without_the_right_to_make_room_ops_hear_of_it(house: House, caplog: pytest.LogCaptureFixture) -> None:
    database = house.process.database
    await skip_to(database, BORDER - 10)
    async with database.begin() as tx:
        await tx.execute(text(f"CREATE TABLE event_from_{BORDER} (it_is int)"))
    assert not await _keeper(house).check()
    found = [each for each in caplog.records if each.__dict__.get("event") == "log_room_short"]
    assert [each.levelname for each in found] == ["ERROR"]
    assert "room for 10 more" in found[0].getMessage()
    await _keeper(house).load()
    await skip_to(database, BORDER + 1)
    with pytest.raises(Unavailable) as refusal:
        await _keeper(house).load()
    assert "sihu migrate" in refusal.value.cause
    async with database.begin() as tx:
        await tx.execute(text(f"DROP TABLE event_from_{BORDER}"))
    await _keeper(house).load()
    await house.report()


@pytest.mark.clause("GB/T 22239 8.1.4.3 d")
async def test_reports_without_room_are_refused_and_taken_later(house: House) -> None:
    await house.key("worker")
    await house.sealed()
    await skip_to(house.process.database, BORDER)
    body = {"grid_code": "440105003001001", "category": "urban-0110", "description": "路灯不亮"}
    refused = await house.send("worker", "POST", "/v1/incidents", body)
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"]
    await _kept(house)
    await house.report()
