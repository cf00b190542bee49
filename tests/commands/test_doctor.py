"""`sihu doctor`: one line for each finding, and what to do."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from service import postgres
from service.bench.seeding import seed
from service.commands import district_findings
from service.commands.database import on_database
from service.store import server
from service.store.database import Database
from tests.commands.running import NOWHERE, Run
from tests.districts import NORTH, SOUTH, make_schemas, spread, url_of
from tests.processes.running import command, serving
from tests.processes.servers import own_server

OF_TESTS = ("fsync", "full_page_writes", "synchronous_commit")
"""What the server of the tests is without, so that it is quick."""


def examine(run: Run, url: str) -> tuple[list[str], list[str], list[str]]:
    """The lines of a doctor's visit that are good, warn and are bad."""
    _, lines, faults = run(url, "doctor")
    assert faults == []
    lines = [line for line in lines if not line.startswith(tuple(f"BAD  {name} is off" for name in OF_TESTS))]
    found = [[line[5:] for line in lines if line.startswith(mark)] for mark in ("ok  ", "warn", "BAD ")]
    return found[0], found[1], found[2]


def sql(url: str, *statements: str) -> None:
    async def send(database: Database) -> None:
        async with database.begin() as tx:
            for statement in statements:
                await tx.execute(text(statement))

    asyncio.run(on_database(url, send))


def system(url: str, setting: str) -> None:
    """Change a setting of the whole server, or all of them back with `RESET ALL`."""

    async def send() -> None:
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f"ALTER SYSTEM {setting}"))
            await connection.execute(text("SELECT pg_reload_conf()"))
            name = setting.split()[1]
            while name != "ALL" and (await connection.execute(text(f"SHOW {name}"))).scalar() != setting.split()[-1]:
                await asyncio.sleep(0.02)
        await engine.dispose()

    asyncio.run(send())


@pytest.fixture(scope="module")
def own_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server as people run one, with a registry, a key of ops and one of security. A standby may connect."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "units.csv").write_text("code,name,kind\n440105,District,district\n")
    running = own_server(folder / "pg")
    try:
        roles = [("keys", "create", "--role", role) for role in ("ops", "security")]
        for words in (("migrate",), ("registry", "import", str(folder)), *roles):
            done = command(*words, url=running.url())
            assert done.returncode == 0, done.stderr
        yield running.url()
    finally:
        running.stop()


def test_a_sound_installation_has_only_good_findings(run: Run, own_url: str) -> None:
    async def beside_an_engine() -> tuple[int, list[str], list[str]]:
        engine = Database(own_url, pool_size=1, application=server.ENGINE_SESSION)
        await engine.ping()
        try:
            return await asyncio.to_thread(run, own_url, "doctor")
        finally:
            await engine.close()

    code, lines, faults = asyncio.run(beside_an_engine())
    assert (code, faults) == (0, [])
    assert {line[:4] for line in lines} == {"ok  "}, lines
    assert "ok   1 units in the registry" in lines
    assert any(line.startswith("ok   an engine is at work (it asked ") for line in lines)


@pytest.mark.parametrize(
    ("setting", "finding"),
    [
        ("SET fsync = off", "fsync is off, so a crash loses what was acknowledged: `ALTER SYSTEM SET fsync = on; "),
        ("SET full_page_writes = off", "full_page_writes is off"),
        ("SET synchronous_commit = off", "synchronous_commit is off"),
        ("SET autovacuum = off", "autovacuum is off, so tables grow without end: `ALTER SYSTEM SET autovacuum = on; "),
        (
            "SET synchronous_standby_names = nobody",
            "every commit waits for a synchronous standby, and none is connected",
        ),
    ],
)
def test_a_setting_that_harms_is_bad(run: Run, own_url: str, setting: str, finding: str) -> None:
    system(own_url, setting)
    try:
        code, lines, _ = run(own_url, "doctor")
    finally:
        system(own_url, "RESET ALL")
    (bad,) = [line for line in lines if line.startswith("BAD ")]
    assert code == 1
    assert bad.startswith(f"BAD  {finding}")
    assert "`ALTER SYSTEM " in bad


def test_a_table_that_is_not_vacuumed_is_bad(run: Run, haizhu_url: str) -> None:
    sql(haizhu_url, "ALTER TABLE incident SET (autovacuum_enabled = false)")
    _, _, bad = examine(run, haizhu_url)
    assert bad == ["autovacuum is off for incident: `ALTER TABLE incident RESET (autovacuum_enabled)`"]


def test_a_standby_is_told_from_a_primary(run: Run, own_url: str, tmp_path: Path) -> None:
    parts = make_url(own_url)
    folder, socket = tmp_path / "standby", str(parts.query["host"])
    bin_dir = Path(os.environ.get("SIHU_PG_BIN") or postgres.wheel_binaries())
    owner = Path(socket).stat()
    tmp_path.chmod(0o777)
    account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()} if os.geteuid() == 0 else {}
    base = [bin_dir / "pg_basebackup", "-D", folder, "-R", "-c", "fast", "-h", socket, "-p", "5432", "-U", "sihu"]
    subprocess.run(base, check=True, capture_output=True, cwd="/", **account)  # type: ignore[call-overload]
    (folder / ".s.PGSQL.5432.lock").unlink()  # of the primary's socket, which lies in its folder
    with postgres.running(folder, bin_dir=bin_dir) as url:
        code, lines, _ = run(url, "doctor")
        primary = run(own_url, "doctor")[1]
    assert code == 1
    (bad,) = [line for line in lines if line.startswith("BAD ")]
    assert bad.startswith("BAD  this server is a standby and takes no writes: name the primary in DATABASE_URL")
    assert "ok   standbys: 1 connected, 0 synchronous" in primary


def test_many_connections_are_a_warning_and_all_are_bad(run: Run, haizhu_url: str) -> None:
    async def crowd(count: int) -> list[str]:
        taken = [await asyncpg.connect(haizhu_url.replace("+asyncpg", "")) for _ in range(count)]
        try:
            return (await asyncio.to_thread(examine, run, haizhu_url))[1:][count > 180]
        finally:
            await asyncio.gather(*(each.close() for each in taken))

    for count in (165, 190):
        (line,) = [each for each in asyncio.run(crowd(count)) if "connections are taken" in each]
        assert "make SIHU_POOL_SIZE smaller (now 10), or `ALTER SYSTEM SET max_connections = " in line


def test_a_district_is_told_its_place(run: Run, bare_url: str) -> None:
    asyncio.run(make_schemas(bare_url, NORTH, SOUTH))
    for schema in (NORTH, SOUTH):
        assert run(url_of(bare_url, schema), "migrate")[0] == 0
    good, _, _ = examine(run, url_of(bare_url, NORTH))
    assert f"this district is in the schema {NORTH}; others of this database: {SOUTH}" in good
    _, _, bad = examine(run, f"{bare_url}&search_path=nowhere")
    assert [line for line in bad if line.startswith("this database has no schema nowhere that the role ")] == bad


@pytest.mark.parametrize(
    ("group", "kind", "sentence"),
    [
        (0, 0, "this server is the coordinator of a spread database; all processes of a district, and its commands"),
        (
            3,
            2,
            "this server is a worker (group 3) of a spread database, whose ids and numbers are of its own: name the",
        ),
    ],
)
def test_a_worker_is_no_place_for_a_district(run: Run, haizhu_url: str, group: int, kind: int, sentence: str) -> None:
    asyncio.run(on_database(haizhu_url, lambda database: spread(database, group)))
    assert [line for line in examine(run, haizhu_url)[kind] if line.startswith(sentence)] != []


def test_limits_that_do_not_reach_a_worker_are_warned_of(run: Run, haizhu_url: str) -> None:
    asyncio.run(on_database(haizhu_url, lambda database: spread(database, 0)))
    sql(
        haizhu_url,
        "SET LOCAL allow_system_table_mods = on",
        "ALTER FUNCTION pg_catalog.run_command_on_workers SET lock_timeout = 0",
        "ALTER FUNCTION pg_catalog.run_command_on_workers SET jit = on",
    )
    warnings = examine(run, haizhu_url)[1]
    advice = "ALTER ROLE CURRENT_USER SET lock_timeout = '20s'; ALTER ROLE CURRENT_USER SET jit = 'off'"
    assert f"on w1:5432, limits of a session are not in force: `{advice}` there" in warnings


def test_limits_that_do_not_hold_are_warned_of(haizhu_url: str) -> None:
    """As when something between the process and the server takes them back."""

    async def look(database: Database) -> list[str]:
        async with database.read() as connection:
            await connection.execute(text("SET LOCAL lock_timeout = 0"))
            return [str(each) async for each in district_findings.limits(connection)]

    (line,) = asyncio.run(on_database(haizhu_url, look))
    assert line.startswith("warn lock_timeout is 0 here, and sihu has set 10000: `ALTER ROLE CURRENT_USER SET ")


@pytest.mark.parametrize(
    ("servers", "two"),
    [(["a/1/2@1", "a/1/2@2"], False), (["a/1/2@1", "b/1/2@1"], False), (["a@1", "b@1", "a@1"], True)],
)
def test_two_servers_in_turn_are_bad(run: Run, haizhu_url: str, servers: list[str], two: bool) -> None:
    """A failover, a restored copy, and processes that name two nodes."""
    sql(haizhu_url, *(f"INSERT INTO log_history (server, at) VALUES ('{each}', now())" for each in servers))
    bad = examine(run, haizhu_url)[2]
    assert any(line.startswith("processes of this district work on two servers, each with") for line in bad) is two


def test_without_an_engine_nothing_fires(run: Run, haizhu_url: str) -> None:
    _, warnings, bad = examine(run, haizhu_url)
    assert "no engine is connected, so no deadline fires: run `sihu serve`, or `sihu serve --engine only`" in warnings
    assert bad == []


def test_a_serving_process_is_seen_to_fire(run: Run, haizhu_url: str, tmp_path: Path) -> None:
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        good, _, _ = examine(run, haizhu_url)
        running.stop()
    assert [line for line in good if line.startswith("an engine is at work (it asked ")] != []


@pytest.mark.clause("GB/T 22239 8.1.4.2 d")
def test_who_holds_all_roles_is_told(run: Run, haizhu_url: str) -> None:
    for subject in ("first", "second"):
        assert run(haizhu_url, "keys", "create", "--role", "ops", "--subject", subject)[0] == 0
    advice = "`sihu keys create --role security`"
    told = f"first is ops, security and auditor at once, until a key of security is made: {advice}"
    assert told in examine(run, haizhu_url)[1]
    assert run(haizhu_url, "keys", "create", "--role", "security")[0] == 0
    assert [line for line in examine(run, haizhu_url)[1] if "security" in line] == []
    sql(haizhu_url, "UPDATE access_key SET revoked_at = now() WHERE role = 'security'")
    told = f"nobody has a key of security, so keys are made here alone: {advice}"
    assert [line for line in examine(run, haizhu_url)[1] if "security" in line] == [told]


@pytest.mark.clause("GB/T 22239 8.1.4.2 c")
def test_a_key_that_ends_soon_has_its_successor_named(run: Run, haizhu_url: str) -> None:
    for subject in ("worker", "renewed", "lasting"):
        words = ("keys", "create", "--role", "reporter", "--area", "440105003", "--subject", subject)
        assert run(haizhu_url, *words)[0] == 0
    ends = "UPDATE access_key SET expires_at = now() + interval"
    sql(haizhu_url, f"{ends} '9 days' WHERE subject <> 'lasting'", f"{ends} '90 days' WHERE subject = 'lasting'")
    assert run(haizhu_url, *(*words[:-1], "renewed"))[0] == 0
    _, warnings, bad = examine(run, haizhu_url)
    (line,) = [each for each in warnings if each.startswith("the key of ")]
    key_id = run(haizhu_url, "keys", "list", "--subject", "worker")[1][0].split()[0]
    assert line.startswith(f"the key of worker (id {key_id}) ends on ")
    assert line.endswith(f"`sihu keys rotate {key_id}`")
    assert "nobody has a key of ops: `sihu keys create --role ops`" in warnings
    assert bad == []


@pytest.mark.parametrize(
    ("product", "shown"),
    [
        ("PostgreSQL 15.3 (PolarDB 15.3.2 build 1) on x86_64", "PolarDB, like PostgreSQL 15.3"),
        ("KingbaseES V009R001C002B0014 on x86_64", "KingbaseES, like PostgreSQL 15.3"),
        ("HighGo Database 9 Release 9.0.1", "HighGo, like PostgreSQL 15.3"),
        ("PostgreSQL 15.3 on x86_64", "PostgreSQL 15.3"),
    ],
)
def test_relatives_of_postgresql_are_named(
    run: Run, haizhu_url: str, monkeypatch: pytest.MonkeyPatch, product: str, shown: str
) -> None:
    query = text(f"SELECT '{product}', '15.3', false")
    monkeypatch.setattr(server, "_IDENTITY", query)  # the answer of a server that nobody has at hand
    good, _, _ = examine(run, haizhu_url)
    assert good[0] == f"{shown} (15 or newer is needed)"


def test_a_question_that_a_server_does_not_know_harms_no_other(
    run: Run, haizhu_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_WIRE", text("SELECT ssl FROM pg_stat_of_another_server"))
    good, warnings, _ = examine(run, haizhu_url)
    assert any("pg_stat_of_another_server" in line for line in warnings)
    assert "278 units in the registry" in good


@pytest.mark.parametrize("late_s", [10, 7200])
def test_a_deadline_not_fired_needs_an_engine(run: Run, haizhu_url: str, late_s: int) -> None:
    due = datetime.now(UTC) - timedelta(seconds=late_s)
    asyncio.run(
        on_database(haizhu_url, lambda database: seed(database, 1, reported_at=due - timedelta(hours=4), due_at=due))
    )
    good, _, bad = examine(run, haizhu_url)
    (line,) = [each for each in (*good, *bad) if each.startswith("the oldest deadline not fired is ")]
    assert bool(bad) == (late_s >= 60)
    assert int(line.split(" s late")[0].split()[-1]) >= late_s
    assert ("run `sihu serve`" in line) == bool(bad)


def test_incidents_that_cannot_be_swept_are_named(run: Run, haizhu_url: str) -> None:
    due = datetime.now(UTC) + timedelta(hours=4)
    good, _, _ = examine(run, haizhu_url)
    assert "every incident can be swept" in good

    async def put_aside(database: Database) -> None:
        await seed(database, 20, reported_at=due - timedelta(hours=4), due_at=due)
        async with database.begin() as tx:
            await tx.execute(text("UPDATE incident SET faults = 3 WHERE number < 'seed-3'"))

    asyncio.run(on_database(haizhu_url, put_aside))
    _, _, bad = examine(run, haizhu_url)
    (line,) = bad
    assert line.startswith("13 incidents cannot be swept") and " and 3 more; " in line and "sweep_row_failed" in line
    assert line.count("seed-") == 10


def test_days_to_come_that_are_not_known_are_a_warning(run: Run, office_url: str) -> None:
    _, warnings, bad = examine(run, office_url)
    assert bad == [], "no deadline needs them yet"
    (line,) = [line for line in warnings if line.startswith("calendar cn ")]
    assert line.endswith("`sihu calendar load FILE --calendar cn`")


def test_a_deadline_in_days_not_known_is_bad(run: Run, office_url: str) -> None:
    due = datetime.now(UTC) + timedelta(hours=4)

    async def seed_provisional(database: Database) -> None:
        await seed(database, 1, reported_at=due - timedelta(hours=4), due_at=due)
        async with database.begin() as tx:
            await tx.execute(text("UPDATE incident SET provisional = true"))

    asyncio.run(on_database(office_url, seed_provisional))
    _, _, bad = examine(run, office_url)
    assert len(bad) == 2
    assert bad[0].startswith("calendar cn ")
    assert bad[1] == "1 open incident has a deadline that may move once those days are known"


def test_a_calendar_that_knows_the_year_ahead_is_good(run: Run, office_url: str) -> None:
    years = [str(datetime.now(UTC).year + n) for n in (0, 1, 2)]
    Path("none.csv").write_text("day,workday\n2027-01-01,false\n")
    arguments = [part for year in years for part in ("--fill-year", year)]
    _, lines, _ = run(office_url, "calendar", "load", "none.csv", *arguments)
    assert not [line for line in lines if line.startswith("warning")]
    assert "ok   the calendars know every working day of the next year" in run(office_url, "doctor")[1]


def test_an_empty_registry_is_to_be_imported(run: Run, database_url: str) -> None:
    code, lines, _ = run(database_url, "doctor")
    assert code == 1
    assert "BAD  no registry: run `sihu registry import DIR`" in lines


def test_missing_tables_are_to_be_made(run: Run, bare_url: str) -> None:
    _, _, bad = examine(run, bare_url)
    assert bad == ["this database has no tables yet: run `sihu migrate`"]


def test_a_database_out_of_reach_is_a_finding(run: Run) -> None:
    code, lines, faults = run(NOWHERE, "doctor")
    assert (code, len(lines), faults) == (1, 1, [])
    assert lines[0].startswith("BAD  the database cannot be reached (")
    assert lines[0].endswith("check DATABASE_URL and that PostgreSQL runs")


def test_a_log_without_room_is_found_and_made_longer(run: Run, haizhu_url: str) -> None:
    """The counter of batches stands at the end of the first stretch: the migrations make the next one."""
    assert any(line.startswith("the log has room for 19,999,9") for line in examine(run, haizhu_url)[0])
    sql(haizhu_url, "SELECT setval(pg_get_serial_sequence('log_batch', 'id'), 19999990)")
    bad = [
        line for line in examine(run, haizhu_url)[2] if line.startswith("the log has room for 9 more transactions: ")
    ]
    assert len(bad) == 1
    assert "`sihu migrate`" in bad[0]
    assert run(haizhu_url, "migrate")[0] == 0
    assert any(line.startswith("the log has room for 10,000,009 more") for line in examine(run, haizhu_url)[0])


def test_a_long_way_of_old_words_is_told(run: Run, haizhu_url: str) -> None:
    words = "the words of old events are moved out of the log up to position "
    assert not any(line.startswith(words) for line in examine(run, haizhu_url)[1])
    sql(
        haizhu_url,
        "INSERT INTO log_batch (events, last_position, queues, reload) VALUES (1, 1000000, '{}', '{}')",
    )
    assert any(line.startswith(f"{words}0 of 1,000,000: ") for line in examine(run, haizhu_url)[1])
