"""From 0005 to now: what was proposed and admitted stays, and what is open can be refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from service.registry import duties
from service.registry.bundle.rows import DutyRow
from service.rules.model import By
from service.store import migrate
from service.store.database import Database
from service.store.migrate import Tables
from service.store.registry import duty_proposals
from tests.registry.bundles import NOW, OPS
from tests.store.revisions import at_revision

pytestmark = pytest.mark.anyio


@pytest.fixture
async def old(blank_url: str) -> AsyncIterator[Database]:
    """A database as 0005 left it."""
    async with at_revision(blank_url, "0005") as database:
        yield database


async def put(database: Database, code: str, *, approved: bool) -> None:
    """A proposal as 0005 stored it."""
    columns = "code, title, category, area, lead_unit, assisting, basis, proposed_by, proposed_at"
    values = f"""'{code}', 't', 'u', '440402', 'dept-water', '{{}}', '-', '{{"kind": "unit", "subject": "s"}}', :now"""
    if approved:
        columns, values = f"{columns}, approved_by, approved_at, valid_from", f"{values}, '{{}}', :now, :now"
    async with database.begin() as tx:
        await tx.execute(text(f"INSERT INTO duty_proposal ({columns}) VALUES ({values})"), {"now": NOW})


async def test_open_ones_stay_open_and_are_refused_then(old: Database) -> None:
    await put(old, "A", approved=True)
    await put(old, "B", approved=False)
    assert (await migrate.survey(old)).tables is Tables.OLDER
    await migrate.upgrade(old)
    assert (await migrate.survey(old)).tables is Tables.OURS
    async with old.read() as connection:
        kept = {each.code: each.open for each in await duty_proposals.newest(connection, limit=9)}
    assert kept == {"A": False, "B": True}
    done = await duties.refuse(old, "B", "不妥", NOW, By("unit", "s", "dept-water"))
    assert (done.new, done.proposal.refused_reason) == (True, "不妥")
    async with old.begin() as tx:
        row = DutyRow(code="B", title="t", category="u", area="440402", lead_unit="dept-water")
        again = await duty_proposals.add(tx, row.model_dump(exclude={"valid_from"}), NOW, OPS)
    assert again.open
