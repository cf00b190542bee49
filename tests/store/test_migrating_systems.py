"""From 0031 to now: each subject may go on reporting for the systems for which it has reported."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, text

from service.store import migrate
from service.store.access.tables import access_key
from service.store.database import Database
from service.store.incidents.report_tables import report
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


def _key(n: int, subject: str) -> dict[str, Any]:
    return {"id": UUID(int=n), "digest": b"%d" % n, "role": "ops", "subject": subject, "created_at": NOW}


def _report(n: int, subject: str, system: str | None) -> dict[str, Any]:
    place = {"district": "440105", "grid_code": "440105003001001", "category": "u", "line": "u"}
    source = {"source_system": system, "source_ref": None if system is None else f"{n}"}
    words = {"body_hash": b"", "description": "灯", "kind": "incident", "urgency": "normal"}
    return {"id": UUID(int=n), "subject": subject, "reporter": "r", "reported_at": NOW, **place, **source, **words}


async def test_a_subject_keeps_the_systems_it_has_used(blank_url: str) -> None:
    async with at_revision(blank_url, "0031") as database:
        used = [("hotline", "12345"), ("hotline", "app"), ("hotline", "12345"), ("phone", None), ("gone", "x")]
        async with database.begin() as tx:
            await tx.execute(insert(access_key), [_key(1, "hotline"), _key(2, "phone"), _key(3, "hotline")])
            await tx.execute(insert(report), [_report(n, *each) for n, each in enumerate(used)])
        await migrate.upgrade(database)
        found = select(access_key.c.id, access_key.c.systems).order_by(access_key.c.id)
        async with database.read() as connection:
            rows = [(row.id.int, row.systems) for row in await connection.execute(found)]
        assert rows == [(1, ["12345", "app"]), (2, None), (3, ["12345", "app"])]


async def test_a_key_of_an_older_program_reports_for_no_system(database: Database) -> None:
    """Beside it, an older program goes on making keys: it knows nothing of the new columns."""
    async with database.begin() as tx:
        await tx.execute(
            text("INSERT INTO access_key (id, digest, role, subject, created_at) VALUES (:id, 'd', 'ops', 's', now())"),
            {"id": UUID(int=1)},
        )
        row = (await tx.execute(select(access_key))).one()
    assert (row.systems, row.quota_reports, row.quota_urgent) == (None, None, None)
