"""The issuer by which people sign on, as the database knows it: one row, or none."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import delete, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.access.tables import sign_on

_LOCK = text("LOCK TABLE sign_on IN SHARE ROW EXCLUSIVE MODE")
"""Without this lock, two processes that start at once would both find the same change."""


class SignOn(NamedTuple):
    """An issuer and what this deployment is to it, without any secret. `claims` are written as in the setting."""

    issuer: str
    client_id: str | None
    audience: str | None
    claims: str


async def lock(tx: AsyncConnection) -> None:
    """Keep all other transactions from changing the row until this one ends."""
    await tx.execute(_LOCK)


async def known(connection: AsyncConnection) -> SignOn | None:
    """Return what the database knows; None: people sign in with keys alone."""
    of_row = sign_on.c.issuer, sign_on.c.client_id, sign_on.c.audience, sign_on.c.claims
    row = (await connection.execute(select(*of_row))).first()
    return None if row is None else SignOn(*row)


async def replace(tx: AsyncConnection, fresh: SignOn | None) -> None:
    """Write what is known from now on. The caller has called `lock` before."""
    await tx.execute(delete(sign_on))
    if fresh is not None:
        await tx.execute(insert(sign_on).values(fresh._asdict()))
