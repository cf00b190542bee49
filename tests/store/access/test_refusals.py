"""Refusals as rows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from service.store.access import refusals
from service.store.access.refusals import Refused
from service.store.database import Database

pytestmark = pytest.mark.anyio

HOUR = datetime(2026, 11, 2, 9, tzinfo=UTC)


def _row(hours: int = 0, subject: str = "worker", code: str = "quota", count: int = 1) -> Refused:
    at = HOUR + timedelta(hours=hours)
    return Refused(at, subject, "10.0.0.1", code, "POST /v1/incidents", count, at + timedelta(minutes=count))


async def test_counts_add_up_and_the_last_time_stays(database: Database) -> None:
    for count in (5, 2):
        async with database.begin() as tx:
            await refusals.count_up(tx, [_row(count=count), _row(subject="", count=count)])
    async with database.read() as connection:
        found = await refusals.newest(connection, limit=9)
    assert [(row.subject, row.count, row.last_at) for row in found] == [
        ("worker", 7, HOUR + timedelta(minutes=5)),
        ("", 7, HOUR + timedelta(minutes=5)),
    ]


async def test_a_list_is_narrowed_and_goes_on(database: Database) -> None:
    rows = [_row(hours, subject, code) for hours in (0, 1) for subject in ("a", "b") for code in ("quota", "not_yours")]
    async with database.begin() as tx:
        await refusals.count_up(tx, rows)
    async with database.read() as connection:
        whole = await refusals.newest(connection, limit=9)
        assert whole == sorted(rows, key=lambda row: row.place, reverse=True)
        assert await refusals.newest(connection, limit=2, before=whole[2].place) == whole[3:5]
        assert await refusals.newest(connection, limit=9, subject="a") == [row for row in whole if row.subject == "a"]
        assert await refusals.newest(connection, limit=9, code="quota") == [row for row in whole if row.code == "quota"]
        assert await refusals.newest(connection, limit=9, since=HOUR + timedelta(hours=1)) == whole[:4]


async def test_old_rows_go_piece_by_piece(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "MAX_PIECE", 2)
    async with database.begin() as tx:
        await refusals.count_up(tx, [_row(hours) for hours in range(5)])
    async with database.begin() as tx:
        removed = [await refusals.remove_before(tx, HOUR + timedelta(hours=3)) for _ in range(3)]
    assert removed == [2, 1, 0]
