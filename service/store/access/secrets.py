"""The names of the secret keys, and the values that are sealed by them: which keys are in use, and what is to be sealed
anew when another key takes the place of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store import bulk, locks
from service.store.access.tables import contact, secret_key
from service.store.locks import DistrictLock


class SealedTable(NamedTuple):
    """A table of which each row has a sealed value in `sealed`, and in `sealed_by` the id of its key. `key` names its
    primary key; an index begins with `sealed_by` and goes on with that."""

    table: Table
    key: str

    def row(self, key: object) -> str:
        """Return the name of a row among all rows of all tables: what its value is sealed for."""
        return f"{self.table.name}/{key}"


CONTACTS = SealedTable(contact, "incident_id")
SEALED_TABLES = (CONTACTS,)
"""Every table with sealed values."""


class SealedRow(NamedTuple):
    """A row by its key, with its sealed value."""

    key: Any
    sealed: bytes


async def lock(tx: AsyncConnection) -> None:
    """Wait until nobody else makes or names a secret key, and keep others from it until the transaction ends."""
    await tx.execute(locks.taken(DistrictLock.SECRETS))


async def known(connection: AsyncConnection) -> list[str]:
    """Return the ids of all keys that have ever sealed, in the order in which they began."""
    return list((await connection.execute(select(secret_key.c.id).order_by(secret_key.c.n))).scalars())


async def note(tx: AsyncConnection, key_id: str, now: datetime) -> None:
    """Note that a key seals from now on. The caller holds the lock, and the key is not noted yet."""
    await tx.execute(insert(secret_key).values(id=key_id, at=now))


async def in_use(connection: AsyncConnection) -> set[str]:
    """Return the ids of the keys by which something is sealed. The cost grows with the number of keys alone: for each
    one, the index is asked once."""
    found: set[str] = set()
    for table, _ in SEALED_TABLES:
        first = select(func.min(table.c.sealed_by).label("id")).cte("ids", recursive=True)
        following = select(func.min(table.c.sealed_by)).where(table.c.sealed_by > first.c.id).scalar_subquery()
        ids = first.union_all(select(following).where(first.c.id.is_not(None)))
        found.update((await connection.execute(select(ids.c.id).where(ids.c.id.is_not(None)))).scalars())
    return found


async def count(connection: AsyncConnection, table: SealedTable, key_id: str) -> int:
    """Return how many values of a table are sealed by this key."""
    sealed = select(func.count()).select_from(table.table).where(table.table.c.sealed_by == key_id)
    return int((await connection.execute(sealed)).scalar_one())


async def claim(
    tx: AsyncConnection, table: SealedTable, key_id: str, limit: int, after: object | None
) -> list[SealedRow]:
    """Lock and return the next rows, in the order of their keys, whose value is sealed by this key. Rows that somebody
    else has locked are passed over."""
    rows = table.table.c
    query = select(rows[table.key], rows.sealed).where(rows.sealed_by == key_id)
    if after is not None:
        query = query.where(rows[table.key] > after)
    query = query.order_by(rows[table.key]).limit(limit).with_for_update(skip_locked=True)
    return [SealedRow(*row) for row in await tx.execute(query)]


async def write_anew(tx: AsyncConnection, table: SealedTable, key_id: str, rows: Sequence[SealedRow]) -> None:
    """Write new sealed values, all by the key `key_id`, into rows that the caller has locked."""
    page = {
        table.key: [row.key for row in rows],
        "sealed": [row.sealed for row in rows],
        "sealed_by": [key_id] * len(rows),
    }
    await bulk.update_rows(tx, table.table, (table.key,), page)
