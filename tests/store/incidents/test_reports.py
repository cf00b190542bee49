"""Reports: what was sent comes back, and a repeated post is found by its key or by its source."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from service.rules.model import Incident
from service.rules.words import Kind, Urgency
from service.store import bulk
from service.store.database import Database
from service.store.incidents import reports
from service.store.incidents.report_tables import report
from service.store.incidents.reports import EarlierReport, Report
from tests.rules.builders import reported
from tests.store.refusals import constraint_of

pytestmark = pytest.mark.anyio

INCIDENT = reported().after
BARE = Report(subject="worker", body_hash=b"\x00\x01", description="路灯不亮")
FULL = Report(
    subject="O'Hare\\",
    body_hash=b"\xff",
    description='"巷口"\n积水',
    idempotency_key="key-1",
    source=("12345", "GZ/7"),
    location={"lat": 23.1, "lon": 113.3, "crs": "gcj02"},
    lat=23.0977123456789,
    lon=113.317290123456789,
    location_mismatch=True,
    attachments=("a.jpg", 'b"\\.jpg'),
    occurred_at=INCIDENT.reported_at - timedelta(microseconds=1),
    kind=Kind.SUGGESTION,
    urgency=Urgency.URGENT,
)


def _incident(number: int) -> Incident:
    return INCIDENT._replace(id=UUID(int=number))


async def _insert(database: Database, *contents: Report, first: int = 1) -> None:
    """One incident for each report, numbered from `first` on."""
    async with database.begin() as tx:
        numbered = [(_incident(n), content, "urban") for n, content in enumerate(contents, start=first)]
        await bulk.insert_rows(tx, *reports.new_rows(numbered))


async def _stored(database: Database) -> list[dict[str, Any]]:
    async with database.read() as connection:
        return [dict(row._mapping) for row in await connection.execute(select(report).order_by(report.c.id))]


async def test_every_field_of_a_report_is_stored(database: Database) -> None:
    await _insert(database, BARE, FULL)
    place = {"district": "440105", "grid_code": INCIDENT.grid_code, "category": INCIDENT.category, "line": "urban"}
    of_incident = {
        **{"reporter": INCIDENT.reporter, "kind": "incident", "urgency": "normal", **place},
        "reported_at": INCIDENT.reported_at,
    }
    absent = dict.fromkeys(("idempotency_key", "location", "lat", "lon", "attachments", "occurred_at"))
    bare, full = await _stored(database)
    assert bare == {
        **{**of_incident, **absent, "id": UUID(int=1), "source_system": None, "source_ref": None},
        **{"subject": "worker", "body_hash": b"\x00\x01", "description": "路灯不亮", "location_mismatch": False},
        **{"urgency_asked": None, "as_reported": None, "salt": BARE.salt},
    }
    others = ("source", "attachments", "kind", "urgency", "contact", "older_hashes")
    sent = {name: getattr(FULL, name) for name in Report.__slots__ if name not in others}
    assert full == {
        **{**of_incident, **sent, "id": UUID(int=2), "source_system": "12345", "source_ref": "GZ/7"},
        "attachments": ["a.jpg", 'b"\\.jpg'],
        **{"urgency_asked": "urgent", "as_reported": {"kind": "suggestion"}},
    }


async def test_no_reports_write_nothing(database: Database) -> None:
    await _insert(database)
    assert await _stored(database) == []


async def test_a_key_is_found_for_its_own_subject(database: Database) -> None:
    await _insert(database, replace(BARE, idempotency_key="k"), replace(FULL, source=None), BARE)
    async with database.read() as connection:
        pairs = [("worker", "k"), ("O'Hare\\", "key-1"), ("worker", "key-1"), ("", "k"), ("worker", "K")]
        assert await reports.known_by_key(connection, pairs) == {
            ("worker", "k"): EarlierReport(UUID(int=1), b"\x00\x01"),
            ("O'Hare\\", "key-1"): EarlierReport(UUID(int=2), b"\xff"),
        }
        assert await reports.known_by_key(connection, [("worker", "key-1"), ("", "k")]) == {}
        assert await reports.known_by_key(connection, []) == {}


async def test_a_source_is_found_by_system_and_reference(database: Database) -> None:
    await _insert(database, FULL, replace(BARE, source=("12345", "8")), BARE)
    async with database.read() as connection:
        pairs = [("12345", "GZ/7"), ("12345", "8"), ("12345", "9"), ("8", "12345")]
        assert await reports.known_by_source(connection, pairs) == {
            ("12345", "GZ/7"): EarlierReport(UUID(int=1), b"\xff"),
            ("12345", "8"): EarlierReport(UUID(int=2), b"\x00\x01"),
        }
        assert await reports.known_by_source(connection, [("8", "GZ/7"), ("12345", "9")]) == {}
        assert await reports.known_by_source(connection, []) == {}


async def test_any_number_of_pairs_is_looked_up_at_once(database: Database) -> None:
    await _insert(database, *(replace(BARE, idempotency_key=f"{n}") for n in range(1, 301)))
    async with database.read() as connection:
        known = await reports.known_by_key(connection, [("worker", f"{n}") for n in range(0, 400)])
    assert {key: found.id.int for (_, key), found in known.items()} == {f"{n}": n for n in range(1, 301)}


@pytest.mark.parametrize(
    ("second", "number", "constraint", "taken"),
    [
        (replace(BARE, subject=FULL.subject, idempotency_key="key-1"), 2, "report_idempotency_key", True),
        (replace(BARE, source=("12345", "GZ/7")), 2, "report_source_key", True),
        (FULL, 2, "report_idempotency_key", True),
        (BARE, 1, "report_pkey", False),
        (replace(BARE, subject=None), 2, "subject", False),  # type: ignore[arg-type]
    ],
)
async def test_a_taken_key_or_source_differs_from_other_refusals(
    database: Database, second: Report, number: int, constraint: str, taken: bool
) -> None:
    await _insert(database, FULL)
    with pytest.raises(IntegrityError) as refusal:
        await _insert(database, second, first=number)
    assert constraint_of(refusal.value) == constraint
    assert reports.is_taken(refusal.value) is taken
    assert len(await _stored(database)) == 1


@pytest.mark.parametrize(
    "error", [SQLAlchemyError("report_source_key"), DBAPIError("", None, Exception("report_idempotency_key"))]
)
def test_only_a_broken_constraint_means_taken(error: SQLAlchemyError) -> None:
    assert not reports.is_taken(error)


def test_what_was_erased_is_taken_for_the_same() -> None:
    first = EarlierReport(UUID(int=1), BARE.body_hash)
    assert BARE.is_that_of(first) and replace(BARE, body_hash=b"new", older_hashes=(BARE.body_hash,)).is_that_of(first)
    assert not replace(BARE, body_hash=b"new").is_that_of(first)
    assert replace(BARE, body_hash=b"new").is_that_of(EarlierReport(UUID(int=1), b""))
