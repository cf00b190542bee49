"""The database refuses a log that could not have been written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table

from service.store.database import Database
from service.store.log.tables import event, log_batch, queue_mark
from tests.store.log.batches import NOW
from tests.store.refusals import Case, refused_by, unproven

pytestmark = pytest.mark.anyio

GOOD: dict[Table, dict[str, Any]] = {
    log_batch: {"events": 1, "queues": [], "reload": []},
    event: {"batch_id": 1, "ord": 1, "type": "t", "at": NOW, "area": "440105", "audience": [], "data": {}},
    queue_mark: {"unit": "u", "state": "calling", "position": 1},
}
STAMP = {"incident_id": UUID(int=1), "subject": "worker", "idempotency_key": "k"}
CASES: dict[Table, list[Case]] = {
    log_batch: [("not_empty", {"events": 0}), ("position_key", ({"last_position": 7}, {"last_position": 7}))],
    event: [
        ("idempotency_key", ({**STAMP, "sequence": 1}, {**STAMP, "sequence": 2, "ord": 2})),
        (
            "incident_id_sequence_key",
            ({"incident_id": UUID(int=1), "sequence": 1}, {"incident_id": UUID(int=1), "sequence": 1, "ord": 2}),
        ),
        ("pkey", ({}, {})),
    ],
    queue_mark: [("pkey", ({}, {"position": 2}))],
}


@pytest.mark.parametrize("table", CASES, ids=str)
def test_every_rule_has_a_case(table: Table) -> None:
    assert unproven(table, CASES[table]) == set()


@pytest.mark.parametrize(
    ("table", "rule", "changes"), [(table, *case) for table, cases in CASES.items() for case in cases]
)
async def test_an_impossible_log_is_refused(database: Database, table: Table, rule: str, changes: Any) -> None:
    rows = changes if isinstance(changes, tuple) else (changes,)
    refused = await refused_by(database, table, *({**GOOD[table], **each} for each in rows))
    assert str(refused).replace("_from_0_", "_") == f"{table.name}_{rule}", "a partition has the names of its own"


async def test_batches_without_a_position_are_any_number(database: Database) -> None:
    assert await refused_by(database, log_batch, *(GOOD[log_batch],) * 3) is None


async def test_events_without_an_incident_are_any_number(database: Database) -> None:
    assert await refused_by(database, event, GOOD[event], {**GOOD[event], "ord": 2}) is None
