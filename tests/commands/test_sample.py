"""The demo's keys and its story."""

from __future__ import annotations

import subprocess

import pytest
from sqlalchemy import text

from service.access import keys
from service.access.keyring import digest_of
from service.commands import sample
from service.commands.database import now_and_world
from service.rules.model import By
from service.store.database import Database

pytestmark = pytest.mark.anyio


async def test_keys_that_still_work_are_kept(haizhu: Database) -> None:
    first = await sample.demo_keys(haizhu, {})
    assert set(first) == set(sample.DEMO_KEYS)
    assert await sample.demo_keys(haizhu, first) == first

    now, world = await now_and_world(haizhu)
    (revoked,) = [key for key in await keys.page(haizhu, 10) if key.subject == "demo-worker"]
    await keys.revoke(haizhu, world, now, revoked.id, By("ops", "tests"))

    second = await sample.demo_keys(haizhu, first)
    assert {name for name in first if first[name] != second[name]} == {"WORKER"}
    valid = "SELECT count(*) FROM access_key WHERE digest = ANY(:digests) AND revoked_at IS NULL"
    async with haizhu.read() as connection:
        found = await connection.execute(text(valid), {"digests": [digest_of(key) for key in second.values()]})
        assert found.scalar_one() == len(second)


async def test_an_empty_registry_gets_the_sample(database: Database) -> None:
    await sample.demo_keys(database, {})
    _, world = await now_and_world(database)
    assert len(world.units) == 278


def test_the_story_can_be_pasted_into_a_shell() -> None:
    keys_by_name = dict.fromkeys(sample.DEMO_KEYS, "sihu_x")
    story = sample.story("http://127.0.0.1:8000", keys_by_name)
    pasted = story[story.index("export SIHU=") :]
    subprocess.run(["bash", "-n"], input=pasted, text=True, check=True)
    for name in keys_by_name:
        assert f"export {name}=sihu_x" in pasted
        assert f"${name}" in pasted or name == "OPS"
