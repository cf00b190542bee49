"""Chains of merges: an incident was merged into another one, that into a third, and so on to the open end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, bindparam, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.incidents.tables import incident


async def beyond(connection: AsyncConnection, incident_id: UUID) -> list[UUID]:
    """Return the incidents into which one was merged, one after the other, the end of the chain last; [] when it was
    not merged. What was merged stays merged, so that a chain only grows at its end, and never turns in a circle."""
    return list((await connection.execute(_BEYOND, {"id": incident_id})).scalars())


def _chain() -> Select[Any]:
    begin = select(incident.c.merged_into.label("id"), literal(1, Integer).label("place"))
    chain = begin.where(incident.c.id == bindparam("id"), incident.c.merged_into.is_not(None)).cte(
        "chain", recursive=True
    )
    step = select(incident.c.merged_into, chain.c.place + 1).join(chain, incident.c.id == chain.c.id)
    chain = chain.union_all(step.where(incident.c.merged_into.is_not(None)))
    return select(chain.c.id).order_by(chain.c.place)


_BEYOND = _chain()
