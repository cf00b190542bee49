"""The plans by which PostgreSQL runs the statements that a piece of code sends."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Iterator
from typing import Any

from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.database import Database


async def vacuum(database: Database, *statements: str) -> None:
    """Vacuum all tables, after these statements, so that the planner knows them."""
    async with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for statement in (*statements, "VACUUM ANALYZE"):
            await connection.execute(text(statement))


async def statements(connection: AsyncConnection, run: Awaitable[object]) -> list[tuple[str, Any]]:
    """The statements that `run` sends on this connection, and their parameters."""
    sent: list[tuple[str, Any]] = []

    def note(_c: Any, _u: Any, statement: str, parameters: Any, *_: Any) -> None:
        sent.append((statement, parameters))

    event.listen(connection.sync_connection, "before_cursor_execute", note)
    try:
        await run
    finally:
        event.remove(connection.sync_connection, "before_cursor_execute", note)
    return sent


async def plan_of(connection: AsyncConnection, sent: tuple[str, Any], *, analyze: bool = False) -> dict[str, Any]:
    """The plan of one statement: its first node. `analyze`: it is run, and each node says what it has done."""
    statement, parameters = sent
    options = "ANALYZE, FORMAT JSON" if analyze else "FORMAT JSON"
    found = (await connection.exec_driver_sql(f"EXPLAIN ({options}) {statement}", parameters)).scalar_one()
    plan: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's nodes, from the first one down."""
    yield plan
    for inner in plan.get("Plans", ()):
        yield from nodes(inner)


def rows_looked_at(plan: dict[str, Any]) -> int:
    """How many rows the scans of a plan that was run have looked at."""
    looked = 0.0
    for node in nodes(plan):
        if "Relation Name" in node:
            removed = sum(value for name, value in node.items() if name.startswith("Rows Removed"))
            looked += (node["Actual Rows"] + removed) * node["Actual Loops"]
    return int(looked)
