"""Rows of `incident` and `request` and the rules' types: every field comes back, and only changes are written."""

from __future__ import annotations

from datetime import timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from service.rules.model import By, IncidentOf, Request
from service.rules.words import Arrow, ClosedAs, DueKind, Kind, Level, RequestKind, State, Urgency, Verdict
from service.store import bulk
from service.store.database import Database
from service.store.incidents import incident_rows, loading, reports
from service.store.incidents.incident_rows import INCIDENT_COLUMNS, incident_of, request_of
from service.store.incidents.reports import Report
from service.store.incidents.tables import incident as incident_table
from service.store.incidents.tables import request as request_table
from tests.appraisal.random_life import Life
from tests.rules.builders import act, half, later, reported
from tests.store.incidents.rows import fired, save

pytestmark = pytest.mark.anyio

CALL = reported().after.call
REQUESTS = (
    Request(1, RequestKind.HOLD, 1, later(hours=1), "a", By("unit", "s", "u"), later(hours=2), By("ops", "o"),
            later(hours=3), "b", Verdict.APPROVED, DueKind.RESOLVE, later(hours=4)),
    Request(2, RequestKind.EXTEND, 2, later(hours=5), "c", By("unit", "t", "v"), later(hours=6), None, later(hours=7),
            None, Verdict.LAPSED, None, None, timedelta(minutes=8)),
)  # fmt: skip
DISTINCT = IncidentOf(
    id=UUID(int=7),
    number="2026-000007",
    kind=Kind.SUGGESTION,
    state=State.CLOSED,
    level=Level.DEPARTMENT,
    unit="dept-x",
    grid_code="440105001001001",
    category="u-0101",
    urgency=Urgency.URGENT,
    reporter="worker-7",
    policy=("policy-7", 71),
    reported_at=later(minutes=1),
    updated_at=later(minutes=2),
    due_at=later(minutes=3),
    due_kind=DueKind.RESUME,
    wake_at=later(minutes=4),
    call=CALL,
    earlier=(CALL._replace(seq=41),),
    version=11,
    sequence=12,
    calls_per_level=(13, 14, 15, 16),
    rejects=17,
    reopened_void=True,
    audience=("a-1", "a-2"),
    closed_at=later(minutes=5),
    closed_as=ClosedAs.MERGED,
    reopen_until=later(minutes=6),
    warned=18,
    provisional=False,
    returns=19,
    assisting=("b-1", "b-2", "b-3"),
    rating=5,
    merged_into=UUID(int=8),
    drawn=False,
    requests=REQUESTS,
)
"""No two fields of one type have the same value, so none can be taken for another."""


def _stored(value: Any) -> Any:
    """A value as the driver hands it back."""
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, Enum) else value


_ANOTHER = {"reopened_void": False}


@pytest.mark.parametrize("flags", [{}, {**_ANOTHER, "provisional": True}, {**_ANOTHER, "drawn": True}])
def test_every_field_of_an_incident_comes_back(flags: dict[str, bool]) -> None:
    incident = DISTINCT._replace(**flags)  # type: ignore[arg-type]
    row = incident_rows.incident_columns(incident)
    values = [_stored(row[column.name]) for column in INCIDENT_COLUMNS]
    assert incident_of(values, incident.call, incident.earlier, incident.requests) == incident
    assert incident_of(values, incident.call, None).earlier is None


def test_a_new_row_fills_every_column() -> None:
    page = incident_rows.new_incidents([DISTINCT, reported().after])
    assert set(page) == {column.name for column in incident_table.c} - {"faults", "erased_at", "has_texts"}
    assert {name: values[0] for name, values in page.items()} == incident_rows.incident_columns(DISTINCT)
    assert (page["district"][1], page["requests"], page["seq"]) == ("440105", [2, 0], (1, 1))


def test_what_seldom_changes_is_written_only_where_it_does() -> None:
    incident = reported().after
    climbed, withdrawn = fired(half(incident)), act(incident, "reporter", Arrow.WITHDRAW)
    often = set(incident_rows.changed_incidents([climbed]))
    both = incident_rows.changed_incidents([climbed, withdrawn])
    assert often == set(incident_rows.changed_incidents([climbed, climbed]))
    assert set(both) - often == {
        *("rejects", "reopened_void", "closed_at", "closed_as", "reopen_until"),
        *("returns", "assisting", "rating", "rating_mean", "merged_into", "drawn", "requests"),
        *("kind", "grid_code", "category", "urgency"),
    }
    assert list(both["closed_as"]) == [None, ClosedAs.WITHDRAWN]
    assert not often & {"number", "kind", "grid_code", "category", "urgency", "reporter", "reported_at"}


def test_a_request_alone_makes_the_page_write_what_seldom_changes() -> None:
    incident = reported().after
    asked = act(incident, "community", Arrow.HOLD)
    assert incident_rows.changed_incidents([asked])["requests"] == [1]


async def test_every_field_of_a_request_comes_back(database: Database) -> None:
    decisions = [reported()._replace(before=reported().after, request=each, events=()) for each in REQUESTS]
    await save(database, reported())
    for decision in decisions:
        await save(database, decision._replace(opened=None))
    async with database.read() as connection:
        rows = (await connection.execute(select(request_table).order_by(request_table.c.n))).all()
    assert tuple(request_of(row) for row in rows) == REQUESTS
    assert {row.district for row in rows} == {"440105"}


async def test_a_random_life_is_loaded_as_it_was_decided(database: Database) -> None:
    """Three thousand decisions of everybody and the clock, merges and appeals among them, in pages of two hundred."""
    life = Life(7, 300)
    while life.steps < 3000:
        await life.page(database, 200)
    rows = [(each, Report(str(n), b"hash", "A broken lamp"), "urban") for n, each in enumerate(life.now.values())]
    async with database.begin() as tx:
        await bulk.insert_rows(tx, *reports.new_rows(rows))
    async with database.read() as connection:
        for incident in life.now.values():
            loaded = await loading.load(connection, incident.id)
            assert loaded is not None
            assert loaded.incident == incident
            assert loaded.calls == (*incident.earlier, incident.call)
