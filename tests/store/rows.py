"""Rows of the tables of incidents that the database accepts, to be changed by the tests that need others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import Table, insert

from service.store.database import Database

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
DISTRICT, CELL, UNIT = "440105", "440105003001001", "440105003001"
_PLACE = {"district": DISTRICT, "grid_code": CELL, "category": "urban-0110"}
_ROWS: dict[str, dict[str, Any]] = {
    "incident": {
        **{**_PLACE, "number": "2026-000001", "kind": "incident", "state": "calling", "level": 1, "unit": UNIT},
        **{"urgency": "normal", "reporter": "worker", "policy_code": "p", "policy_version": 1, "reported_at": NOW},
        **{"updated_at": NOW, "due_at": NOW, "due_kind": "answer", "wake_at": NOW, "seq": 1, "version": 1},
        **{"sequence": 2, "calls_at": [1, 0, 0, 0], "audience": [UNIT]},
    },
    "call": {
        **{**_PLACE, "seq": 1, "level": 1, "round": 1, "unit": UNIT, "cause": "report", "clock": "continuous"},
        **{"opened_at": NOW, "answer_by": NOW},
    },
    "request": {
        **{"n": 1, "district": DISTRICT, "kind": "hold", "call": 1, "until": NOW, "reason": "because"},
        **{"asked_by": {"kind": "ops"}, "asked_at": NOW},
    },
    "report": {
        **{**_PLACE, "subject": "worker", "reporter": "worker", "body_hash": b"", "line": "urban", "kind": "incident"},
        **{"urgency": "normal", "description": "路灯不亮", "reported_at": NOW},
    },
}
CLOSED = {"state": "closed", "due_at": None, "due_kind": None, "wake_at": None, "closed_at": NOW, "closed_as": "void"}


def good(table: Table, **changes: Any) -> dict[str, Any]:
    """A row of its own: an incident that calls, an open call, an open request or a report."""
    key = "id" if "id" in table.c else "incident_id"
    return {**_ROWS[table.name], key: uuid4(), **changes}


async def store(database: Database, table: Table, *rows: dict[str, Any]) -> None:
    """Commit these rows of a table."""
    async with database.begin() as tx:
        for row in rows:
            await tx.execute(insert(table).values(row))
