"""The districts of one database, each in a schema of its own."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

OWN_TABLES = ("access_key", "call", "event", "incident")
"""The tables of the first revision. A revision alone proves nothing, since other programs number theirs 0001, too."""

# by the catalogue and not by name, since a name in a schema that is closed to this role is an error
SCHEMAS = (
    "SELECT space.nspname FROM pg_class AS relation JOIN pg_namespace AS space ON space.oid = relation.relnamespace "
    f"WHERE relation.relname IN ({', '.join(map(repr, OWN_TABLES))}) AND relation.relkind IN ('r', 'p') "  # nosec B608 # of constants
    f"GROUP BY space.nspname HAVING count(*) = {len(OWN_TABLES)}"
)
"""The query for the schemas that hold a district."""
_NEIGHBOURS = text(
    f"SELECT nspname FROM ({SCHEMAS}) AS district "  # nosec B608 # of constants
    "WHERE nspname <> current_schema() ORDER BY nspname"
)


class Neighbourhood(NamedTuple):
    """The schema of this district, and those of others in the same database."""

    own: str
    others: tuple[str, ...]


async def neighbourhood(connection: AsyncConnection) -> Neighbourhood:
    """Return which schemas of the database hold a district."""
    own: str = (await connection.execute(select(func.current_schema()))).scalar_one()
    return Neighbourhood(own, tuple((await connection.execute(_NEIGHBOURS)).scalars()))
