"""Refusals are counted in memory, written in the background, and bounded whatever is sent."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from starlette.types import Scope

from service.access import refusals
from service.access.refusals import Refusals
from service.rules.model import Actor
from service.rules.words import Role
from service.store.access import refusals as stored
from service.store.access.refusals import Refused
from service.store.database import Database
from service.web import request_log
from tests.access.apps import context_of
from tests.access.worlds import NOW

pytestmark = pytest.mark.anyio


def _refused(code: str, *, subject: str | None = None, address: str = "10.0.0.1", method: str = "POST") -> Scope:
    scope: Scope = {"type": "http", "method": method, "client": (address, 1), "path": "/v1/keys/sihu_secret"}
    if subject is not None:
        scope["actor"] = Actor(Role.REPORTER, subject)
    request_log.mark(scope, code)
    return scope


async def _rows(database: Database) -> list[Refused]:
    async with database.read() as connection:
        return list(await stored.newest(connection, limit=10_000))


@pytest.mark.clause("ASVS 16.3.2", "GB/T 22239 8.1.4.3 b")
async def test_refusals_of_an_hour_are_one_row_with_a_count(database: Database) -> None:
    counted = Refusals(context_of(database))
    for _ in range(3):
        counted.note(_refused("not_yours", subject="worker"), 403, "/v1/keys/{id}")
    counted.note(_refused("unauthorized", method="BREW"), 401, "/v1/incidents")
    await counted.write()
    counted.note(_refused("not_yours", subject="worker"), 403, "/v1/keys/{id}")
    await counted.write()
    hour = NOW.replace(minute=0)
    assert await _rows(database) == [
        Refused(hour, "worker", "10.0.0.1", "not_yours", "POST /v1/keys/{id}", 4, NOW),
        Refused(hour, "", "10.0.0.1", "unauthorized", "other /v1/incidents", 1, NOW),
    ]


async def test_what_is_merely_wrong_is_counted_by_the_metric_alone(database: Database) -> None:
    context = context_of(database)
    counted = Refusals(context)
    counted.note(_refused("validation_failed", subject="worker"), 422, "/v1/incidents")
    counted.note(_refused("not_found"), 404, "unmatched")
    counted.note(_refused("unavailable", subject="worker"), 503, "/v1/incidents")
    counted.note({"type": "http"}, 404, "unmatched")
    await counted.write()
    assert await _rows(database) == []
    page = context.metrics.page().decode()
    assert 'sihu_refused_total{code="validation_failed"} 1.0' in page and "unavailable" not in page


@pytest.mark.clause("ASVS 16.3.3")
async def test_a_flood_from_everywhere_makes_few_rows(database: Database) -> None:
    counted = Refusals(context_of(database))
    for n in range(3 * refusals.MAX_AN_HOUR):
        counted.note(_refused("unauthorized", address=f"10.0.{n // 250}.{n % 250}"), 401, "/v1/incidents")
        if n % 700 == 0:
            await counted.write()
    await counted.write()
    rows = await _rows(database)
    assert len(rows) == refusals.MAX_OF_ONE + 1
    assert sum(row.count for row in rows) == 3 * refusals.MAX_AN_HOUR
    assert max(rows, key=lambda row: row.count).address == ""


async def test_no_flood_hides_who_else_is_refused(database: Database) -> None:
    """Whoever floods from many addresses leaves room for everybody else of that hour."""
    counted = Refusals(context_of(database))
    for n in range(2 * refusals.MAX_AN_HOUR):
        address = f"10.0.{n // 250}.{n % 250}"
        counted.note(_refused("unauthorized", address=address), 401, "/v1/incidents")
        counted.note(_refused("not_yours", subject="loud", address=address), 403, "/v1/keys")
    counted.note(_refused("not_yours", subject="quiet"), 403, "/v1/keys")
    await counted.write()
    rows = await _rows(database)
    assert [row.count for row in rows if row.subject == "quiet"] == [1]
    assert sum(row.subject == "loud" for row in rows) == refusals.MAX_OF_ONE
    assert sum(row.count for row in rows) == 4 * refusals.MAX_AN_HOUR + 1


async def test_an_address_that_is_none_is_not_kept(database: Database) -> None:
    """A proxy of this machine may say anything of a client: no text of its own gets into a row, or keeps others out."""
    counted, long = Refusals(context_of(database)), secrets.token_hex(4000)
    for address in (long, "<b>", "::ffff:10.0.0.1", "fe80::1%eth0"):
        counted.note(_refused("unauthorized", address=address), 401, "/v1/me")
    await counted.write()
    assert {(row.address, row.count) for row in await _rows(database)} == {("?", 2), ("10.0.0.1", 1), ("fe80::1", 1)}


async def test_what_cannot_be_written_is_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Refusals(context_of(database))
    counted.note(_refused("quota", subject="worker"), 429, "/v1/incidents")

    async def away(*_: object) -> None:
        counted.note(_refused("quota", subject="worker"), 429, "/v1/incidents")
        raise LookupError

    with monkeypatch.context() as patched:
        patched.setattr(stored, "count_up", away)
        with pytest.raises(LookupError):
            await counted.write()
    await counted.stop()
    assert [row.count for row in await _rows(database)] == [2]


async def test_rows_are_removed_after_90_days(database: Database) -> None:
    context = context_of(database)
    old, kept = (NOW - timedelta(days=days) for days in (91, 89))
    async with database.begin() as tx:
        await stored.count_up(
            tx, [Refused(at, "worker", "", "quota", "POST /v1/incidents", 1, at) for at in (old, kept)]
        )
    counted = Refusals(context)
    await counted.remove_old()
    assert [row.hour for row in await _rows(database)] == [kept]
