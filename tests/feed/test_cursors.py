"""A reader whose events were lost is refused with the cursor to go on from, and reads nothing twice or too little."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, text

from service.feed import cursors
from service.store.log import marks
from service.store.log.histories import History
from service.store.log.marks import BEGINNING
from service.store.log.tables import log_batch
from tests.house import House
from tests.store.log.batches import lose

pytestmark = pytest.mark.anyio


async def _read(house: House, after: str | None = None) -> tuple[list[str], str]:
    """The ids of everything after a cursor, and the last cursor."""
    await house.sealed()
    ids: list[str] = []
    while True:
        page = await house.get("ops", "/v1/events", **({"after": after} if after else {}), limit=3)
        ids += [each["id"] for each in page["items"]]
        after = str(page["next_cursor"])
        if not page["items"]:
            return ids, after


async def _gone(house: House, after: str, **query: Any) -> Any:
    answer = await house.send("ops", "GET", "/v1/events", after=after, **query)
    assert answer.status_code == 410, answer.text
    return answer.json()


async def _take_back(house: House, position: int) -> None:
    """Lose everything past this position, as a failover would, and wait until the process has noticed."""
    tail = house.process.tail
    renewals = tail.renewals
    await lose(house.process.database, position)
    async with asyncio.timeout(10):
        while tail.renewals == renewals:
            await asyncio.sleep(0.01)


@pytest.fixture
async def kept(house: House) -> tuple[list[str], str, int]:
    """Events that will not be lost: their ids, the cursor after them, and its position."""
    await house.key("ops")
    await house.report()
    ids, cursor = await _read(house)
    return ids, cursor, house.process.tail.position


async def test_a_reader_ahead_goes_on_from_what_both_share(house: House, kept: tuple[list[str], str, int]) -> None:
    ids, common, position = kept
    await house.report()
    lost, ahead = await _read(house, common)
    await _take_back(house, position)
    for _ in range(3):
        await house.report()
    problem = await _gone(house, ahead)
    assert (problem["code"], problem["retryable"]) == ("history_changed", False)
    new, end = await _read(house, problem["common"])
    assert not set(new) & {*lost, *ids} and len(new) == len(set(new))
    assert (await _read(house, problem["oldest"]))[0] == ids + new
    assert (await _read(house))[0] == ids + new
    assert await _read(house, common) == (new, end), "a reader before the loss goes on without a break"
    [restored] = (await house.get("auditor", "/v1/events", types="sihu.log.restored"))["items"]
    assert restored["data"] == {"end": position, "lost": len(lost), "by": {"kind": "clock"}}


async def test_a_cursor_beyond_the_end_is_never_an_empty_page(house: House, kept: tuple[list[str], str, int]) -> None:
    _, _, position = kept
    for _ in range(4):
        await house.report()
    _, ahead = await _read(house)
    await _take_back(house, position)
    assert (await _gone(house, ahead))["common"] is not None
    bare = house.process.context.cursors.sign("events", [position + 500])
    assert (await _gone(house, bare, wait=20))["common"] is None


async def test_a_reader_that_waits_is_told_at_once(house: House, kept: tuple[list[str], str, int]) -> None:
    _, _, position = kept
    await house.report()
    _, ahead = await _read(house)
    waiting = asyncio.create_task(house.send("ops", "GET", "/v1/events", after=ahead, wait=30))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        await _take_back(house, position)
        answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (410, "history_changed")


async def test_a_loss_that_nobody_saw_is_told_by_the_mark(house: House, kept: tuple[list[str], str, int]) -> None:
    """The process remembers nothing, as one that was started after the loss. The first reader proves it to ops."""
    _, _, position = kept
    for _ in range(2):
        await house.report()
    _, ahead = await _read(house)
    tail = house.process.tail
    await tail.stop()
    await lose(house.process.database, position)
    tail.recent.begin_at([BEGINNING])
    await tail.load()
    tail.start()
    for _ in range(4):
        await house.report()
    problem = await _gone(house, ahead)
    assert problem["common"] is None
    async with asyncio.timeout(10):
        while not (found := await house.get("ops", "/v1/events", types="sihu.log.restored"))["items"]:
            await asyncio.sleep(0.01)
    assert [each["data"]["end"] for each in found["items"]] == [None]
    assert (await _gone(house, ahead))["common"] is None
    await house.sealed()
    again = await house.get("ops", "/v1/events", types="sihu.log.restored")
    assert again["items"] == found["items"], "the second proof is no news"


async def test_losses_one_after_the_other_lead_to_the_first(house: House, kept: tuple[list[str], str, int]) -> None:
    _, common, position = kept
    for _ in range(3):
        await house.report()
    _, ahead = await _read(house)
    await _take_back(house, position)
    for _ in range(3):
        await house.report()
    await house.sealed()
    async with house.process.database.read() as connection:
        later = await marks.newest(connection, 2)
    _, middle = await _read(house)
    await _take_back(house, later[0].position)
    for _ in range(2):
        await house.report()
    assert (await _read(house, (await _gone(house, ahead))["common"]))[0] == (await _read(house, common))[0]
    second = house.process.context.cursors.read("events", (await _gone(house, middle))["common"])
    assert second[0] == later[0].position


async def test_cursors_of_the_version_before_go_on(house: House, kept: tuple[list[str], str, int]) -> None:
    """They are bare positions, and an older process reads a position from those of today."""
    ids, cursor, position = kept
    signed = house.process.context.cursors
    assert signed.read("events", cursor)[0] == position
    assert await _read(house, signed.sign("events", [position])) == ([], cursor)
    assert (await _read(house, signed.sign("events", [position - 1])))[0] == ids[-1:]
    assert (await _read(house, signed.sign("events", [0])))[0] == ids


async def test_a_cursor_older_than_all_that_is_kept_expires(house: House, kept: tuple[list[str], str, int]) -> None:
    ids, cursor, _ = kept
    first = (await house.get("ops", "/v1/events", limit=1))["next_cursor"]
    async with house.process.database.begin() as tx:
        await tx.execute(delete(log_batch).where(log_batch.c.last_position < house.process.tail.position))
    problem = await _gone(house, first)
    assert problem["code"] == "cursor_expired" and "common" not in problem
    left, end = await _read(house, problem["oldest"])
    assert left and left == ids[-len(left) :] and end == cursor


async def test_an_event_from_before_marks_keeps_its_id(house: House, kept: tuple[list[str], str, int]) -> None:
    ids, _, _ = kept
    tail = house.process.tail
    await tail.stop()
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE log_batch SET mark = NULL"))
    tail.recent.begin_at([BEGINNING])
    await tail.load()
    tail.start()
    old, end = await _read(house)
    assert len(old) == len(ids) and all(each.count("-") == 1 for each in old)
    assert await _read(house, end) == ([], end)
    incident = await house.report()
    timeline = (await house.get("ops", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    assert (await _read(house, end))[0] == [each["id"] for each in timeline]
    assert all(each["id"].count("-") == 5 for each in timeline)


def _losses(*begins_after: int | None) -> tuple[History, ...]:
    first = History("h0", "server", 0, False)
    return first, *(History(f"h{n}", "server", end, True) for n, end in enumerate(begins_after, 1))


@pytest.mark.parametrize(
    ("history", "losses", "common"),
    [
        ("h0", (7,), 7),
        ("h0", (7, 5), 5),
        ("h0", (5, 7), 5),
        ("h1", (5, 7), 7),
        ("h2", (5, 7), None),  # nobody noticed what this reader lost
        ("h0", (7, None), None),
        ("h1", (None, 7), 7),
        ("elsewhere", (7,), None),
        (None, (7,), None),
        ("h0", (12,), None),  # a loss after the cursor's own place is another one
        ("h0", (0,), 0),
    ],
)
def test_common_is_the_least_of_all_losses_since(
    history: str | None, losses: tuple[int | None, ...], common: int | None
) -> None:
    cursor = cursors.FeedCursor(marks.LogPlace(10, "m"), history)
    assert cursors._common(cursor, _losses(*losses)) == common
