"""Proposed duties as rows. Decided proposals stay, so that everybody can see who approved or refused what, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.logged import ByView
from service.rules.model import By
from service.store.registry.tables import duty_proposal


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposed duty. Only an approved proposal has `approved_by`, `approved_at` and `valid_from`; only a refused one
    has `refused_by`, `refused_at` and `refused_reason`."""

    id: int
    code: str
    title: str
    category: str
    area: str
    lead_unit: str
    assisting: tuple[str, ...]
    basis: str
    valid_to: datetime | None
    proposed_by: ByView
    proposed_at: datetime
    approved_by: ByView | None = None
    approved_at: datetime | None = None
    valid_from: datetime | None = None
    refused_by: ByView | None = None
    refused_at: datetime | None = None
    refused_reason: str | None = None

    @property
    def open(self) -> bool:
        """Whether the proposal is not decided yet."""
        return self.approved_at is None and self.refused_at is None


async def last(connection: AsyncConnection, code: str) -> Proposal | None:
    """Return the last proposal of a code, or None. No earlier one is open, since a code gets its next proposal only
    after the last one is decided."""
    wanted = select(duty_proposal).where(duty_proposal.c.code == code).order_by(duty_proposal.c.id.desc()).limit(1)
    row = (await connection.execute(wanted)).first()
    return None if row is None else _proposal(row)


async def newest(connection: AsyncConnection, *, limit: int, before: int | None = None) -> list[Proposal]:
    """Return at most `limit` proposals, newest first, decided ones included; with `before`, those with a smaller id."""
    wanted = select(duty_proposal).order_by(duty_proposal.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(duty_proposal.c.id < before)
    return [_proposal(row) for row in await connection.execute(wanted)]


async def add(tx: AsyncConnection, duty: Mapping[str, Any], now: datetime, by: By) -> Proposal:
    """Store an open proposal with the columns `duty`. Raises `IntegrityError` when the code has one already."""
    row = {**duty, "assisting": list(duty["assisting"]), "proposed_by": dict(by.as_dict()), "proposed_at": now}
    made = await tx.execute(insert(duty_proposal).values(row).returning(duty_proposal))
    return _proposal(made.one())


async def correct(tx: AsyncConnection, number: int, duty: Mapping[str, Any], now: datetime, by: By) -> Proposal:
    """Replace the content, the author and the time of an open proposal, and return the proposal as it is now."""
    row = {**duty, "assisting": list(duty["assisting"]), "proposed_by": dict(by.as_dict()), "proposed_at": now}
    changed = update(duty_proposal).where(duty_proposal.c.id == number).values(row).returning(duty_proposal)
    return _proposal((await tx.execute(changed)).one())


async def approve(tx: AsyncConnection, number: int, valid_from: datetime, now: datetime, by: By) -> Proposal:
    """Store who approved a proposal, and from when the duty is in force."""
    decided = {"approved_by": dict(by.as_dict()), "approved_at": now, "valid_from": valid_from}
    changed = update(duty_proposal).where(duty_proposal.c.id == number).values(decided).returning(duty_proposal)
    return _proposal((await tx.execute(changed)).one())


async def refuse(tx: AsyncConnection, number: int, reason: str, now: datetime, by: By) -> Proposal:
    """Store who refused or withdrew a proposal, and why."""
    decided = {"refused_by": dict(by.as_dict()), "refused_at": now, "refused_reason": reason}
    changed = update(duty_proposal).where(duty_proposal.c.id == number).values(decided).returning(duty_proposal)
    return _proposal((await tx.execute(changed)).one())


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(**{**row._mapping, "assisting": tuple(row.assisting)})
