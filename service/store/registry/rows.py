"""Changing the registry: the old row is closed and a new one is opened. A row that was ever in force is never deleted.

The module `world` loads all rows at once and has the locks: code that changes rows calls `world.lock` first and
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
    """Return the newest row of each code in `DATED[name]`, planned rows included."""
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
    """Remove the rows of a code that start after `after`, a moment in the future. They are planned and were never in
    force; if they were closed at their own start instead, they would stand in the way of the next row that starts
    then."""
    table = DATED[name]
    await tx.execute(delete(table).where(table.c.code == code, table.c.valid_from > after))


async def unit_names(connection: AsyncConnection) -> dict[str, str]:
    """Return the newest name of every unit, by code; tables of an older revision answer as well."""
    rows = await connection.execute(select(unit.c.code, unit.c.name).order_by(unit.c.valid_from))
    return {row.code: row.name for row in rows}


async def line_names(connection: AsyncConnection) -> dict[str, str]:
    """Return the name of every line of work, by code."""
    return {row.code: row.name for row in await connection.execute(select(line))}


async def set_lines(tx: AsyncConnection, new: Mapping[str, str], renamed: Mapping[str, str]) -> None:
    """Insert `new` lines of work and rename the `renamed` ones (code → name). Lines have no validity dates."""
    await bulk.insert_rows(tx, line, bulk.columns_of([{"code": code, "name": name} for code, name in new.items()]))
    await bulk.update_rows(
        tx, line, ("code",), bulk.columns_of([{"code": code, "name": name} for code, name in renamed.items()])
    )


async def open_incidents_of(connection: AsyncConnection, units: Sequence[str]) -> int:
    """Return how many open incidents have their last call on one of these units."""
    found = select(func.count()).where(incident.c.unit.in_(units), incident.c.state != "closed")
    return int((await connection.execute(found)).scalar_one())
