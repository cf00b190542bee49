"""What a district has to know of an engine that spreads a database over several nodes: on which one it works, and which
settings it has on the others. A server without such an engine answers that it is alone."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_IS_SPREAD = text("SELECT to_regclass('pg_catalog.pg_dist_local_group') IS NOT NULL")
_GROUP = text("SELECT groupid FROM pg_catalog.pg_dist_local_group")
_COORDINATOR = 0
_ON_NODES = text(
    "SELECT concat(nodename, ':', nodeport), result FROM run_command_on_workers(:command) WHERE success ORDER BY 1"
)
_SEPARATOR = "|"


class WorkerSettings(NamedTuple):
    """What this role has on another node when nothing is set for its session there."""

    node: str
    values: dict[str, str]


async def group(connection: AsyncConnection) -> int | None:
    """Return the number of this node's group, which is 0 on the coordinator; None where no engine spreads the
    database."""
    if not (await connection.execute(_IS_SPREAD)).scalar_one():
        return None
    found: int = (await connection.execute(_GROUP)).scalar_one()
    return found


async def is_worker(connection: AsyncConnection) -> bool:
    """Whether this node is no coordinator."""
    return await group(connection) not in (None, _COORDINATOR)


async def settings(connection: AsyncConnection, *names: str) -> list[WorkerSettings]:
    """Return the values of these settings on every other node."""
    shown = ", ".join(f"current_setting('{name}')" for name in names)
    rows = await connection.execute(_ON_NODES, {"command": f"SELECT concat_ws('{_SEPARATOR}', {shown})"})
    return [WorkerSettings(node, dict(zip(names, values.split(_SEPARATOR), strict=True))) for node, values in rows]
