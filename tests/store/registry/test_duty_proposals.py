"""Proposed duties as rows: one open a code, corrected while it is open, and decided once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from service.rules.logged import ByView
from service.rules.model import By
from service.store.database import Database
from service.store.registry import duty_proposals
from service.store.registry.duty_proposals import Proposal
from tests.store.rows import NOW

pytestmark = pytest.mark.anyio

LATER, LATEST = NOW + timedelta(days=1), NOW + timedelta(days=2)
OPS, STREET = By("ops", "O'Hare"), By("unit", "desk", "440105003")
DUTY: dict[str, Any] = {
    **{"code": "d", "title": '环卫 "甲"', "category": "urban", "area": "440105", "lead_unit": "dept"},
    **{"assisting": ("a", "b"), "basis": "三定\\", "valid_to": LATEST},
}


async def test_a_proposal_comes_back_open(database: Database) -> None:
    async with database.begin() as tx:
        made = await duty_proposals.add(tx, DUTY, NOW, STREET)
        assert await duty_proposals.last(tx, "nobody") is None
    by: ByView = {"kind": "unit", "subject": "desk", "unit": "440105003"}
    assert made == Proposal(made.id, **DUTY, proposed_by=by, proposed_at=NOW)
    assert made.open
    async with database.read() as connection:
        assert await duty_proposals.last(connection, "d") == made


async def test_an_open_proposal_is_replaced_as_a_whole(database: Database) -> None:
    changed = {**DUTY, "title": "other", "assisting": (), "valid_to": None}
    async with database.begin() as tx:
        other = await duty_proposals.add(tx, {**DUTY, "code": "e"}, NOW, STREET)
        made = await duty_proposals.add(tx, DUTY, NOW, STREET)
        corrected = await duty_proposals.correct(tx, made.id, changed, LATER, OPS)
        assert await duty_proposals.last(tx, "e") == other
        assert await duty_proposals.last(tx, "d") == corrected
    assert corrected == Proposal(made.id, **changed, proposed_by=OPS.as_dict(), proposed_at=LATER)


async def test_an_approval_says_who_and_from_when(database: Database) -> None:
    async with database.begin() as tx:
        made = await duty_proposals.add(tx, DUTY, NOW, STREET)
        approved = await duty_proposals.approve(tx, made.id, LATER, NOW, OPS)
    assert (approved.approved_by, approved.approved_at, approved.valid_from) == (OPS.as_dict(), NOW, LATER)
    assert (approved.open, approved.refused_at) == (False, None)


async def test_a_refusal_says_who_and_why(database: Database) -> None:
    async with database.begin() as tx:
        made = await duty_proposals.add(tx, DUTY, NOW, STREET)
        refused = await duty_proposals.refuse(tx, made.id, "not ours", LATER, OPS)
    assert (refused.refused_by, refused.refused_at, refused.refused_reason) == (OPS.as_dict(), LATER, "not ours")
    assert (refused.open, refused.approved_at) == (False, None)


async def _add(database: Database, count: int = 1) -> list[Proposal]:
    async with database.begin() as tx:
        return [await duty_proposals.add(tx, DUTY, NOW, STREET) for _ in range(count)]


async def test_a_code_has_one_open_proposal(database: Database) -> None:
    with pytest.raises(IntegrityError, match="duty_proposal_open_key"):
        await _add(database, 2)
    (first,) = await _add(database)
    async with database.begin() as tx:
        await duty_proposals.refuse(tx, first.id, "no", NOW, OPS)
        second = await duty_proposals.add(tx, DUTY, NOW, STREET)
        assert await duty_proposals.last(tx, "d") == second


async def test_proposals_are_listed_newest_first_in_pages(database: Database) -> None:
    async with database.begin() as tx:
        made = [await duty_proposals.add(tx, {**DUTY, "code": f"d{n}"}, NOW, STREET) for n in range(5)]
        await duty_proposals.approve(tx, made[3].id, LATER, NOW, OPS)
    seen: list[int] = []
    async with database.read() as connection:
        while page := await duty_proposals.newest(connection, limit=2, before=seen[-1] if seen else None):
            seen += [each.id for each in page]
    assert seen == [each.id for each in reversed(made)]
