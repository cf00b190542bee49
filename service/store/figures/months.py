"""What is known of a month beside its calls: how it is defined, and whether it is closed."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Row, Select, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.figures.definition import Period
from service.store.figures.tables import appraisal_month


class Closing(NamedTuple):
    """The close of a month: since when its figures are frozen, the code and version of the policy that scores them
    (None: there was none), and the digest of the frozen rows."""

    at: datetime
    policy: tuple[str, int] | None
    digest: str


class KnownMonth(NamedTuple):
    """`begun_before`: the month had begun when the facts of fair play came into the figures, so that its early calls
    have but some of them. `closing` is None while the month is open."""

    begun_before: bool
    closing: Closing | None


async def known(connection: AsyncConnection, period: Period) -> KnownMonth:
    """Return what is known of a month."""
    return _known((await connection.execute(_row_of(period))).first())


async def locked(tx: AsyncConnection, period: Period) -> KnownMonth:
    """Return what is known of a month, which nobody else can close until the transaction ends."""
    await tx.execute(insert(appraisal_month).values(period=str(period)).on_conflict_do_nothing())
    return _known((await tx.execute(_row_of(period).with_for_update())).first())


async def close(tx: AsyncConnection, period: Period, closing: Closing) -> None:
    """Note that a month is closed. The caller has it `locked`, and has frozen its figures."""
    code, version = closing.policy or (None, None)
    values = {"closed_at": closing.at, "policy_code": code, "policy_version": version, "digest": closing.digest}
    await tx.execute(update(appraisal_month).where(appraisal_month.c.period == str(period)).values(values))


def _row_of(period: Period) -> Select[tuple[str, datetime, str, int, str]]:
    row = appraisal_month.c
    columns = row.definition, row.closed_at, row.policy_code, row.policy_version, row.digest
    return select(*columns).where(row.period == str(period))


def _known(row: Row[tuple[str, datetime, str, int, str]] | None) -> KnownMonth:
    if row is None:
        return KnownMonth(begun_before=False, closing=None)
    policy = None if row.policy_code is None else (row.policy_code, row.policy_version)
    closing = None if row.closed_at is None else Closing(row.closed_at, policy, row.digest)
    return KnownMonth(row.definition is not None, closing)
