"""Policies drafted and activated by several at the same moment."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from sqlalchemy import text

from service.rules.errors import Conflict
from service.rules.model import By
from service.store.database import Database
from service.times import policies
from service.times.policy_file import PolicyFile
from tests.registry.bundles import DAY, NOW, OPS, bring, files, written

pytestmark = pytest.mark.anyio


async def test_two_activations_at_once_take_turns(database: Database) -> None:
    await bring(database, files())
    for verify in ("4d", "5d", "6d"):
        await policies.draft(database, PolicyFile.model_validate(written(verify=verify)), NOW, OPS)
    at = NOW + DAY
    done = await asyncio.gather(
        *(policies.activate(database, "example", 2 + n % 3, at, NOW, By("ops", f"ops-{n}")) for n in range(9)),
        return_exceptions=True,
    )
    assert not [each for each in done if isinstance(each, BaseException) and not isinstance(each, Conflict)]
    async with database.read() as connection:
        rows = list((await connection.execute(text("SELECT version FROM policy_activation ORDER BY id"))).scalars())
        statement = "SELECT data->'policy'->>'version' FROM event WHERE type LIKE '%activated' ORDER BY batch_id"
        events = [int(each) for each in (await connection.execute(text(statement))).scalars()]
    assert set(rows) == {1, 2, 3, 4}
    assert all(before != after for before, after in itertools.pairwise(rows)), "what is in force is not written again"
    assert rows == events


async def test_drafts_at_once_get_numbers_of_their_own(database: Database) -> None:
    await bring(database, files())
    wanted = [PolicyFile.model_validate(written(verify=f"{n % 4 + 4}d")) for n in range(4)]
    done = await asyncio.gather(*(policies.draft(database, each, NOW, OPS) for each in wanted))
    assert sorted(each.policy.version for each in done) == [2, 3, 4, 5]
