"""The demo: whose database it takes, its keys, and its story."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import text

from service.access import keys
from service.access.keyring import digest_of
from service.access.new_keys import NewKey
from service.commands import sample
from service.commands.database import now_and_world
from service.commands.refusal import CommandRefusal
from service.commands.sample import Demo
from service.registry.bundle import importing
from service.rules.model import By
from service.rules.words import Role
from service.store.database import Database
from tests.registry import bundles

pytestmark = pytest.mark.anyio
BY = By("ops", "tests")


@pytest.fixture
async def bare(bare_url: str) -> AsyncIterator[Database]:
    database = Database(bare_url, pool_size=2)
    yield database
    await database.close()


async def written(database: Database) -> int:
    """How much was ever written into the log of a database."""
    async with database.read() as connection:
        return int((await connection.execute(text("SELECT count(*) FROM event"))).scalar_one())


async def test_keys_that_still_work_are_kept(haizhu: Database) -> None:
    first = await sample.demo_keys(haizhu, {})
    assert set(first) == set(sample.DEMO_KEYS)
    assert await sample.demo_keys(haizhu, first) == first

    now, world = await now_and_world(haizhu)
    (revoked,) = [key for key in await keys.page(haizhu, 10) if key.subject == "demo-worker"]
    await keys.revoke(haizhu, world, now, revoked.id, BY)

    second = await sample.demo_keys(haizhu, first)
    assert {name for name in first if first[name] != second[name]} == {"WORKER"}
    valid = "SELECT count(*) FROM access_key WHERE digest = ANY(:digests) AND revoked_at IS NULL"
    async with haizhu.read() as connection:
        found = await connection.execute(text(valid), {"digests": [digest_of(key) for key in second.values()]})
        assert found.scalar_one() == len(second)


@pytest.mark.clause("ASVS 13.3.2")
async def test_an_empty_database_gets_sample_and_keys(bare: Database, tmp_path: Path) -> None:
    demo = await sample.prepare(bare, tmp_path / "data")
    assert (demo.is_new, demo.climbs) == (True, True)
    assert stat.S_IMODE(demo.file.stat().st_mode) == 0o600
    _, world = await now_and_world(bare)
    assert len(world.units) == 278

    before = await written(bare)
    again = await sample.prepare(bare, tmp_path / "data")
    assert (again.is_new, again.keys_by_name, again.file) == (False, demo.keys_by_name, demo.file)
    assert await written(bare) == before


async def test_each_database_has_its_own_keys(bare: Database, haizhu: Database, tmp_path: Path) -> None:
    """Going from one to the other and back makes no further keys."""
    first = await sample.prepare(bare, tmp_path)
    second = await sample.prepare(haizhu, tmp_path)
    assert first.file != second.file
    before = await written(bare), await written(haizhu)
    assert (await sample.prepare(bare, tmp_path)).keys_by_name == first.keys_by_name
    assert (await sample.prepare(haizhu, tmp_path)).keys_by_name == second.keys_by_name
    assert (await written(bare), await written(haizhu)) == before


async def test_the_sample_that_ops_imported_is_taken(haizhu: Database, tmp_path: Path) -> None:
    """Its policy and categories stay as they are, so no call climbs in it."""
    demo = await sample.prepare(haizhu, tmp_path)
    assert (demo.is_new, demo.climbs) == (True, False)


async def test_a_renamed_unit_is_no_hindrance_later(bare: Database, tmp_path: Path) -> None:
    """A newcomer may change the sample, and start again."""
    await sample.prepare(bare, tmp_path)
    async with bare.begin() as tx:
        await tx.execute(text("UPDATE unit SET name = 'mine' WHERE code = '440105003'"))
    assert not (await sample.prepare(bare, tmp_path)).is_new


@pytest.mark.parametrize("kind", ["another registry", "a renamed sample", "keys without a registry"])
async def test_a_database_in_use_is_refused(database: Database, haizhu: Database, tmp_path: Path, kind: str) -> None:
    used = haizhu if kind == "a renamed sample" else database
    now, world = await now_and_world(used)
    if kind == "another registry":
        await importing.import_bundle(used, bundles.files(), now, BY, dry_run=False)
    elif kind == "a renamed sample":
        async with used.begin() as tx:
            await tx.execute(text("UPDATE unit SET name = '真实社区' WHERE code = '440105003001'"))
    else:
        await keys.create(used, world, now, NewKey(Role.OPS), BY)
    before = await written(used)
    holds = "keys or rules" if kind == "keys without a registry" else "a registry that is not the sample"
    with pytest.raises(CommandRefusal, match=f"^--demo is for an empty database, and this one has {holds}"):
        await sample.prepare(used, tmp_path)
    assert await written(used) == before
    assert os.listdir(tmp_path) == []


async def test_keys_that_cannot_be_kept_are_not_made(bare: Database, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(CommandRefusal, match=r"data is a file, not a folder; set SIHU_DATA_DIR$"):
        await sample.prepare(bare, tmp_path / "data")
    async with bare.read() as connection:
        tables = await connection.execute(text("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
        assert tables.scalar_one() == 0


def banner(tmp_path: Path, *, is_new: bool) -> str:
    file = tmp_path / "a folder of 'mine'" / "demo-keys-1.sh"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"export {name}=sihu_{name}\n" for name in sample.DEMO_KEYS))
    keys_by_name = {name: f"sihu_{name}" for name in sample.DEMO_KEYS}
    demo = Demo(keys_by_name, file, is_new, climbs=True)
    return sample.banner("http://127.0.0.1:8000", "PostgreSQL 18", demo, climbs=True)


@pytest.mark.parametrize("is_new", [True, False])
@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_the_story_sets_its_keys_in_every_shell(tmp_path: Path, shell: str, is_new: bool) -> None:
    text = banner(tmp_path, is_new=is_new)
    pasted = text[text.index("export SIHU=") :]
    subprocess.run([shell, "-n"], input=pasted, text=True, check=True)
    first = pasted.partition("show()")[0] + "echo $WORKER $COMMUNITY $STREET $OPS"
    done = subprocess.run([shell, "-eu"], input=first, text=True, capture_output=True, check=True)
    assert done.stdout.split() == ["sihu_WORKER", "sihu_COMMUNITY", "sihu_STREET", "sihu_OPS"]


def test_a_key_is_printed_once(tmp_path: Path) -> None:
    assert all(f"export {name}=sihu_{name}\n" in banner(tmp_path, is_new=True) for name in sample.DEMO_KEYS)
    later = banner(tmp_path, is_new=False)
    assert "=sihu_" not in later
    assert "demo-keys-1.sh" in later
