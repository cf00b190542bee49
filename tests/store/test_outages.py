"""Every kind of trouble that a server can be brought into, and what a process says of it."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.errors import Unavailable
from service.store import outages
from service.store.database import Database
from service.store.outages import Lane, Outages
from service.store.sessions import Patience
from service.store.sqlstates import Failure, Trouble

pytestmark = pytest.mark.anyio

QUICK = Patience(wait_s=1.0, lock_s=0.2, statement_s=0.5, idle_s=0.3, block_s=1.5)
AWAY = Failure(Trouble.AWAY, True, "57P01", "terminating connection")
FULL = Failure(Trouble.FULL, False, "53100", "No space left on device")
SILENT = Failure(Trouble.SILENT, True, "timeout", "no answer within 5 s")


@pytest.fixture
def labels() -> list[str]:
    return []


@pytest.fixture
async def lane(database_url: str, labels: list[str]) -> AsyncIterator[Database]:
    """A lane of two connections and of little patience."""
    lane = Database(database_url, pool_size=2, patience=QUICK, outages=Outages(labels.append))
    yield lane
    await lane.close()


async def run(database: Database, *statements: str) -> None:
    async with database.begin() as tx:
        for statement in statements:
            await tx.execute(text(statement))


# --- provoked on a real server --------------------------------------------------------------------------------------


async def _terminated(lane: Database, _: Database) -> None:
    await run(lane, "SELECT pg_terminate_backend(pg_backend_pid())")


async def _terminated_meanwhile(lane: Database, other: Database) -> None:
    await lane.ping()
    database = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database()"
    await run(other, f"{database} AND pid <> pg_backend_pid()")
    await lane.ping()


async def _silent_within_a_transaction(lane: Database, _: Database) -> None:
    async with lane.begin() as tx:
        await tx.execute(text("SELECT 1"))
        await asyncio.sleep(0.6)
        await tx.execute(text("SELECT 1"))


async def _read_only(lane: Database, _: Database) -> None:
    await run(lane, "SET default_transaction_read_only = on")
    refused = [run(lane, "INSERT INTO line VALUES ('a', '')") for _ in range(4)]
    for each in await asyncio.gather(*refused, return_exceptions=True):
        if each is not None:
            raise each


async def _locked(lane: Database, other: Database) -> None:
    async with other.begin() as holder:
        await holder.execute(text("LOCK TABLE line"))
        await run(lane, "SELECT FROM line")


async def _until(connection: AsyncConnection, question: str) -> None:
    async with asyncio.timeout(30):
        while not (await connection.execute(text(question))).scalar_one():
            await asyncio.sleep(0.01)


async def _deadlocked(lane: Database, other: Database) -> None:
    await run(other, "INSERT INTO line VALUES ('a', ''), ('b', '')")
    holds_b, wants_all = "UPDATE line SET name = 'x' WHERE code = 'b'", "UPDATE line SET name = 'x'"
    async with lane.begin() as tx:
        await tx.execute(text("SET LOCAL deadlock_timeout = '50ms'"))
        await tx.execute(text("UPDATE line SET name = 'y' WHERE code = 'a'"))
        waiting = asyncio.ensure_future(run(other, "SET LOCAL deadlock_timeout = '10s'", holds_b, wants_all))
        await _until(tx, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
        try:
            await tx.execute(text("UPDATE line SET name = 'y' WHERE code = 'b'"))
        finally:
            await waiting  # the server has let go of the locks with its refusal


async def _too_slow(lane: Database, _: Database) -> None:
    await run(lane, "SELECT pg_sleep(5)")


async def _cancelled(lane: Database, other: Database) -> None:
    async with lane.begin() as tx:
        pid = (await tx.execute(text("SELECT pg_backend_pid()"))).scalar_one()
        slow = asyncio.ensure_future(tx.execute(text("SELECT pg_sleep(0.4)")))
        await asyncio.sleep(0.1)
        await run(other, f"SELECT pg_cancel_backend({pid})")
        await slow


async def _out_of_temporary_files(lane: Database, _: Database) -> None:
    many = "SELECT count(*) FROM (SELECT g FROM generate_series(1, 200000) AS g ORDER BY g::text DESC) AS sorted"
    await run(lane, "SET LOCAL work_mem = '64kB'", "SET LOCAL temp_file_limit = '100kB'", many)


async def _without_rights(lane: Database, _: Database) -> None:
    await run(lane, "SET LOCAL ROLE pg_monitor", "INSERT INTO line VALUES ('a', '')")


async def _tables_changed(lane: Database, other: Database) -> None:
    both = [lane.begin(), lane.begin()]  # so that both connections have prepared the statement
    async with both[0] as one, both[1] as two:
        await one.execute(text("SELECT * FROM line"))
        await two.execute(text("SELECT * FROM line"))
    await run(other, "ALTER TABLE line ADD COLUMN added text")
    await run(lane, "SELECT * FROM line")


async def _session_reset(lane: Database, _: Database) -> None:
    await run(lane, "SELECT 1 AS prepared", "DEALLOCATE ALL", "SELECT 1 AS prepared")


async def _pool_exhausted(lane: Database, _: Database) -> None:
    async with lane.begin(), lane.begin():
        await lane.ping()


async def _elsewhere(lane: Database, **parts: str) -> None:
    query = {"host": parts.pop("host")} if "host" in parts else {}
    url = make_url(lane.url).set(**parts).update_query_dict(query)  # type: ignore[arg-type]
    there = Database(url.render_as_string(hide_password=False), patience=QUICK, outages=lane.outages)
    try:
        await there.ping()
    finally:
        await there.close()


async def _nobody_listens(lane: Database, _: Database) -> None:
    await _elsewhere(lane, host="/nowhere")


async def _no_such_database(lane: Database, _: Database) -> None:
    await _elsewhere(lane, database="nobody")


async def _role_without_login(lane: Database, other: Database) -> None:
    await run(other, "DROP ROLE IF EXISTS sihu_no_login", "CREATE ROLE sihu_no_login")
    await _elsewhere(lane, username="sihu_no_login")


async def _too_many_connections(lane: Database, other: Database) -> None:
    await run(other, "DROP ROLE IF EXISTS sihu_no_place", "CREATE ROLE sihu_no_place LOGIN CONNECTION LIMIT 0")
    await _elsewhere(lane, username="sihu_no_place")


async def _closed_to_everybody(lane: Database, other: Database) -> None:
    async with lane.engine.connect() as connection:
        name = (await connection.execute(text("SELECT current_database()"))).scalar_one()
    postgres = make_url(other.url).set(database="postgres").render_as_string(hide_password=False)
    above = Database(postgres, pool_size=1)
    try:
        await run(above, f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS false')
        await _elsewhere(lane, database=name)
    finally:
        await run(above, f'ALTER DATABASE "{name}" WITH ALLOW_CONNECTIONS true')
        await above.close()


async def _table_taken_away(lane: Database, _: Database) -> None:
    await run(lane, "ALTER TABLE line RENAME TO elsewhere", "SELECT FROM line")


async def _column_taken_away(lane: Database, _: Database) -> None:
    await run(lane, "ALTER TABLE line RENAME name TO title", "SELECT name FROM line")


PROVOKED = [
    (_terminated, Trouble.AWAY, "08003"),  # the driver drops the last words of a connection that is closed
    (_terminated_meanwhile, Trouble.AWAY, "connection"),
    (_silent_within_a_transaction, Trouble.AWAY, "connection"),
    (_read_only, Trouble.READ_ONLY, "25006"),
    (_locked, Trouble.BUSY, "55P03"),
    (_deadlocked, Trouble.CONFLICT, "40P01"),
    (_too_slow, Trouble.TOO_SLOW, "57014"),
    (_cancelled, Trouble.TOO_SLOW, "57014"),
    (_out_of_temporary_files, Trouble.FULL, "53400"),
    (_without_rights, Trouble.REFUSED, "42501"),
    (_tables_changed, Trouble.CHANGED, "0A000"),
    (_session_reset, Trouble.CHANGED, "26000"),
    (_pool_exhausted, Trouble.BUSY, "pool"),
    (_nobody_listens, Trouble.AWAY, "connection"),
    (_no_such_database, Trouble.REFUSED, "3D000"),
    (_role_without_login, Trouble.REFUSED, "28000"),
    (_too_many_connections, Trouble.BUSY, "53300"),
    (_closed_to_everybody, Trouble.REFUSED, "55000"),
    (_table_taken_away, Trouble.INCOMPLETE, "42P01"),
    (_column_taken_away, Trouble.INCOMPLETE, "42703"),
]


@pytest.mark.parametrize(("provoke", "trouble", "label"), PROVOKED)
async def test_trouble_is_told_counted_and_passes(
    lane: Database,
    database: Database,
    labels: list[str],
    provoke: Callable[[Database, Database], Awaitable[None]],
    trouble: Trouble,
    label: str,
) -> None:
    with pytest.raises(Unavailable) as refusal:
        await provoke(lane, database)
    assert (refusal.value.trouble, refusal.value.retry_after_s >= 1) == (trouble, True)
    assert refusal.value.cause
    assert set(labels) == {label}
    assert lane.outages.counts == {trouble: len(labels)}
    for _ in range(3):  # whichever connection comes next, it serves
        await run(lane, "INSERT INTO line VALUES (gen_random_uuid()::text, '')")


@contextmanager
def _tiny_disk() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sihu-full-", dir="/tmp") as folder:
        os.chmod(folder, 0o711)
        disk = Path(folder) / "disk"
        disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False)
        if mounted.returncode != 0:
            pytest.skip("no disk can be mounted here")
        try:
            space = disk / "space"
            space.mkdir()
            shutil.chown(space, "nobody")
            yield space
        finally:
            subprocess.run(["umount", "-l", str(disk)], check=True)


# the suite of CI runs as root, so a small disk is full there; whoever runs it as somebody else cannot mount one
@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a disk")
async def test_a_full_disk_is_trouble(lane: Database, labels: list[str]) -> None:
    with _tiny_disk() as space:
        async with lane.engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(text(f"CREATE TABLESPACE tiny LOCATION '{space}'"))
        await run(lane, "CREATE TABLE growing (x text) TABLESPACE tiny")
        with pytest.raises(Unavailable) as refusal:
            await run(lane, "INSERT INTO growing SELECT repeat('x', 1000) FROM generate_series(1, 5000)")
        await run(lane, "DROP TABLE growing")
        async with lane.engine.connect() as connection:
            plain = await connection.execution_options(isolation_level="AUTOCOMMIT")
            await plain.execute(text("DROP TABLESPACE tiny"))
    assert (refusal.value.trouble, set(labels)) == (Trouble.FULL, {"53100"})
    assert "No space left" in refusal.value.cause


# --- told once, and while it lasts ----------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def time_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [1000.0]
    monkeypatch.setattr(outages, "_now", lambda: now[0])

    def pass_on(seconds: float) -> None:
        now[0] += seconds

    return pass_on


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def test_trouble_is_logged_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture, time_passes: Callable[[float], None]
) -> None:
    seen = Outages()
    for _ in range(100):
        seen.met(Lane.PARTS, FULL)
        seen.served(Lane.PEOPLE, wrote=True)  # another lane is served all the time
        time_passes(0.1)
    assert [*seen.present()] == ["the database is full: No space left on device"]
    time_passes(4)
    seen.served(Lane.PARTS, wrote=True)
    assert [*seen.present()] == []
    assert lines(caplog) == [
        "the database is full: No space left on device",
        "over after 14.0 s, met 100 times: the database is full",
    ]


def test_trouble_that_comes_again_and_again_is_one(
    caplog: pytest.LogCaptureFixture, time_passes: Callable[[float], None]
) -> None:
    """A read-only server lets the tail look at the log, and refuses what it writes then, a second later again."""
    seen = Outages()
    for _ in range(10):
        seen.met(Lane.TAIL, Failure(Trouble.READ_ONLY, True, "25006", "cannot execute UPDATE"))
        time_passes(1.01)
        seen.served(Lane.TAIL, wrote=True)
    assert len(lines(caplog)) == 1


def test_each_cause_has_a_line_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    seen = Outages()
    for fault in (FULL, AWAY, FULL, AWAY):
        seen.met(Lane.PARTS, fault)
    assert len(lines(caplog)) == 2


def test_a_read_does_not_end_what_only_writes_meet(time_passes: Callable[[float], None]) -> None:
    seen = Outages(logs=False)
    seen.met(Lane.PEOPLE, FULL)
    time_passes(5)
    seen.served(Lane.PEOPLE, wrote=False)
    assert [*seen.present()]
    seen.served(Lane.PEOPLE, wrote=True)
    assert not [*seen.present()]


def test_what_nobody_meets_for_long_has_ended(time_passes: Callable[[float], None]) -> None:
    seen = Outages(logs=False)
    seen.met(Lane.PARTS, FULL)
    time_passes(61)
    seen.served(Lane.TAIL, wrote=True)
    assert not [*seen.present()]


def test_one_lost_connection_of_the_tail_closes_nothing() -> None:
    seen = Outages(logs=False)
    seen.met(Lane.TAIL, AWAY)
    assert [seen.away] == [None]
    seen.met(Lane.TAIL, AWAY)
    assert [seen.away] == [AWAY]
    seen.served(Lane.TAIL, wrote=True)
    assert [seen.away] == [None]


@pytest.mark.parametrize(("lane", "fault"), [(Lane.PEOPLE, SILENT), (Lane.ENGINE, AWAY), (Lane.TAIL, FULL)])
def test_only_the_tail_and_the_whole_server_close_the_others(lane: Lane, fault: Failure) -> None:
    seen = Outages(logs=False)
    for _ in range(5):
        seen.met(lane, fault)
    assert seen.away is None


async def test_while_the_tail_finds_it_away_nobody_asks(lane: Database) -> None:
    lane.outages.met(Lane.TAIL, SILENT)
    with pytest.raises(Unavailable) as refusal:
        await lane.ping()
    assert (refusal.value.trouble, refusal.value.retry_after_s) == (Trouble.SILENT, 5)
    assert lane.engine.pool.checkedin() == 0  # type: ignore[attr-defined]
    lane.outages.served(Lane.TAIL, wrote=True)
    await lane.ping()


async def test_connections_from_before_are_left(lane: Database) -> None:
    """What failed elsewhere leads this lane to a new connection, without an error."""
    pids = set()
    for _ in range(2):
        async with lane.read() as connection:
            pids.add((await connection.execute(text("SELECT pg_backend_pid()"))).scalar_one())
        lane.outages.met(Lane.ENGINE, AWAY)
    assert len(pids) == 2
