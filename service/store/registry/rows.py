"""Changing the registry: one row is closed and the next one opened. Nothing that was ever in force is deleted.

`world` loads all rows at once, and holds the locks: whoever changes rows takes `world.lock` first and calls
`world.rise` last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import bulk
from service.store.incidents.tables import incident
from service.store.registry.tables import category, cell, duty, line, unit

DATED: Mapping[str, Table] = {"units": unit, "cells": cell, "categories": category, "duties": duty}
"""The tables whose rows have validity dates, by their name in a bundle."""


async def newest(connection: AsyncConnection, name: str) -> dict[str, Mapping[Any, Any]]:
    """Code → the newest row of it in `DATED[name]`, planned ones too."""
    table = DATED[name]
    rows = await connection.execute(select(table).order_by(table.c.code, table.c.valid_from))
    return {row.code: row._mapping for row in rows}


async def change_rows(tx: AsyncConnection, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """End or correct rows of `DATED[name]`: each row has `code`, `valid_from` and the columns to set."""
    await bulk.update_rows(tx, DATED[name], ("code", "valid_from"), bulk.columns_of(rows))


async def add_rows(tx: AsyncConnection, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert new rows of `DATED[name]`."""
    await bulk.insert_rows(tx, DATED[name], bulk.columns_of(rows))


async def take_back(tx: AsyncConnection, name: str, code: str, after: datetime) -> None:
    """Remove the rows of a code that begin after `after`, a moment still to come: they are planned, and were never in
    force. Closed at their own start, they would stand in the way of the next row that begins then."""
    table = DATED[name]
    await tx.execute(delete(table).where(table.c.code == code, table.c.valid_from > after))


async def line_names(connection: AsyncConnection) -> dict[str, str]:
    """Code → name of every line of work."""
    return {row.code: row.name for row in await connection.execute(select(line))}


async def set_lines(tx: AsyncConnection, new: Mapping[str, str], renamed: Mapping[str, str]) -> None:
    """Insert new lines of work and rename known ones, each by code → name. Lines have no validity dates."""
    await bulk.insert_rows(tx, line, bulk.columns_of([{"code": code, "name": name} for code, name in new.items()]))
    await bulk.update_rows(
        tx, line, ("code",), bulk.columns_of([{"code": code, "name": name} for code, name in renamed.items()])
    )


async def open_incidents_of(connection: AsyncConnection, units: Sequence[str]) -> int:
    """How many open incidents have their last call on one of these units."""
    found = select(func.count()).where(incident.c.unit.in_(units), incident.c.state != "closed")
    return int((await connection.execute(found)).scalar_one())
