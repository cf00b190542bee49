"""What the database itself refuses: a row that is fine, and the changes to it that a named constraint forbids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import CheckConstraint, Index, Table, insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from service.store.database import Database

Change = Mapping[str, Any]
Case = tuple[str, Change | tuple[Change, Change]]
"""A constraint by its name without the table's, and one row or two that it refuses, as changes to the good row."""


async def refused_by(database: Database, table: Table, *rows: Mapping[str, Any]) -> str | None:
    """The name of the constraint that refuses these rows, one after the other; None when they are stored."""
    try:
        async with database.begin() as tx:
            for row in rows:
                await tx.execute(insert(table).values(row))
    except IntegrityError as error:
        return constraint_of(error)
    return None


def constraint_of(error: DBAPIError) -> str:
    """The name of the constraint as the server gives it, or of the column that may not be null."""
    cause = error.orig.__cause__ if error.orig else None
    return str(getattr(cause, "constraint_name", None) or getattr(cause, "column_name", None))


def rules_of(table: Table) -> set[str]:
    """The names of a table's CHECKs and unique indexes, without the table's."""
    checks = {each.name for each in table.constraints if isinstance(each, CheckConstraint)}
    unique = {each.name for each in table.indexes if isinstance(each, Index) and each.unique}
    return {str(name).removeprefix(f"{table.name}_") for name in checks | unique}


def unproven(table: Table, cases: Iterable[Case]) -> set[str]:
    """The rules of a table that no case breaks."""
    return rules_of(table) - {name for name, _ in cases}
