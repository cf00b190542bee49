"""Registry rows: loaded whole into a world, changed by closing one row and opening the next. Nothing that was ever in
force is deleted."""

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
    """The newest row of every code of `DATED[name]`."""
    table = DATED[name]
    rows = await connection.execute(select(table).order_by(table.c.code, table.c.valid_from))
    return {row.code: row._mapping for row in rows}


async def change_rows(tx: AsyncConnection, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Set the other columns of the rows named by `code` and `valid_from`: to end them, or to correct them."""
    await bulk.update_rows(tx, DATED[name], ("code", "valid_from"), bulk.columns_of(rows))


async def add_rows(tx: AsyncConnection, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """New rows of `DATED[name]`."""
    await bulk.insert_rows(tx, DATED[name], bulk.columns_of(rows))


async def take_back(tx: AsyncConnection, name: str, code: str, after: datetime) -> None:
    """Remove the rows of a code that begin after a moment still to come: planned, and never in force. Closed at their
    own start they would stand in the way of the next row that begins then."""
    table = DATED[name]
    await tx.execute(delete(table).where(table.c.code == code, table.c.valid_from > after))


async def line_names(connection: AsyncConnection) -> dict[str, str]:
    """Lines of work: code → name."""
    return {row.code: row.name for row in await connection.execute(select(line))}


async def set_lines(tx: AsyncConnection, new: Mapping[str, str], renamed: Mapping[str, str]) -> None:
    await bulk.insert_rows(tx, line, bulk.columns_of([{"code": code, "name": name} for code, name in new.items()]))
    await bulk.update_rows(
        tx, line, ("code",), bulk.columns_of([{"code": code, "name": name} for code, name in renamed.items()])
    )


async def open_incidents_of(connection: AsyncConnection, units: Sequence[str]) -> int:
    """How many open incidents these units have in their queues."""
    found = select(func.count()).where(incident.c.unit.in_(units), incident.c.state != "closed")
    return int((await connection.execute(found)).scalar_one())
