"""What `sihu doctor` finds about the PostgreSQL server: what it is, whether it keeps what it acknowledges, whether it
has room, and who is connected. A command to mend it is one of a shell, or of SQL for `psql`."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator

from service.commands.finding import Finding, warned
from service.commands.progress import size
from service.store import server
from service.store.database import Transaction

OLDEST_POSTGRESQL = 15
_RELATIVES = (
    *("PolarDB", "KingbaseES", "HighGo", "openGauss", "GaussDB", "Vastbase", "TDSQL", "EnterpriseDB", "Greenplum"),
    *("Yugabyte", "CockroachDB"),
)
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_VACUUMING = ("autovacuum", "track_counts")
_LIMITS = ("max_connections", "superuser_reserved_connections")
_RELOAD = "; SELECT pg_reload_conf()"
_MANY, _TOO_MANY = 0.8, 0.95
_FEW_BYTES, _TOO_FEW_BYTES = 0.1, 0.02
_MAX_SILENCE_S = 30
_MAX_TRANSACTION_S = 3600
_OLD_AGE, _TOO_OLD_AGE = 1_000_000_000, 1_800_000_000


async def kind(connection: Transaction, version: int) -> AsyncIterator[Finding]:
    """Which server this is, and whether it takes writes."""
    identity = await server.identity(connection)
    lower = identity.product.lower()
    relative = next((f"{name}, like " for name in _RELATIVES if name.lower() in lower), "")
    sentence = f"{relative}PostgreSQL {identity.version.split(' ')[0]} ({OLDEST_POSTGRESQL} or newer is needed)"
    if version >= OLDEST_POSTGRESQL:
        yield Finding(True, sentence)
    else:
        yield Finding(False, f"{sentence}: `sihu backup FILE`, and restore it into a newer server")
    if identity.is_standby:
        advice = "name the primary in DATABASE_URL, or all servers and ?target_session_attrs=read-write"
        yield Finding(False, f"this server is a standby and takes no writes: {advice}; or `SELECT pg_promote()` on it")


async def durability(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether what was acknowledged survives a crash."""
    found = await server.settings(connection, *_DURABLE)
    off = [name for name in _DURABLE if found[name] == "off"]
    for name in off:
        yield Finding(False, f"{name} is off, so a crash loses what was acknowledged: {_on(name)}")
    if not off:
        yield Finding(True, "what is acknowledged survives a crash (fsync, full_page_writes, synchronous_commit)")


async def replication(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether commits wait for a standby, and whether there is one."""
    names = (await server.settings(connection, "synchronous_standby_names"))["synchronous_standby_names"]
    found = await server.standbys(connection)
    if not found.known and (names or found.connected):
        yield warned("this role may not see the standbys: `GRANT pg_read_all_stats TO CURRENT_USER`, as a superuser")
    elif names and not found.synchronous:
        advice = f"start a standby, or `ALTER SYSTEM RESET synchronous_standby_names{_RELOAD}`"
        yield Finding(False, f"every commit waits for a synchronous standby, and none is connected: {advice}")
    elif found.connected:
        yield Finding(True, f"standbys: {found.connected} connected, {found.synchronous} synchronous")


async def vacuuming(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether dead rows are cleared away."""
    found = await server.settings(connection, *_VACUUMING)
    off = [name for name in _VACUUMING if found[name] == "off"]
    for name in off:
        yield Finding(False, f"{name} is off, so tables grow without end: {_on(name)}")
    tables = await server.unvacuumed(connection)
    for table in tables:
        yield Finding(False, f"autovacuum is off for {table}: `ALTER TABLE {table} RESET (autovacuum_enabled)`")
    if not off and not tables:
        yield Finding(True, "autovacuum is on")


async def age_and_size(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether the transaction ids last, and how large the database is."""
    age, bytes_ = await server.age_and_size(connection)
    if age >= _OLD_AGE:
        sentence = f"the oldest row is {age:,} transactions old, of 2,147,483,648: `vacuumdb --freeze`, soon"
        yield Finding(age < _TOO_OLD_AGE, sentence, warning=age < _TOO_OLD_AGE)
    yield Finding(True, f"the database has {size(bytes_)}")


async def connections(connection: Transaction, pool_size: int) -> AsyncIterator[Finding]:
    """Whether there are connections left, and whether somebody holds one for too long."""
    found, limits = await server.sessions(connection), await server.settings(connection, *_LIMITS)
    limit = int(limits["max_connections"] or 0) - int(limits["superuser_reserved_connections"] or 0)
    sentence = f"{found.clients} of {limit} connections are taken, {found.ours} of them by sihu"
    if limit and found.clients >= _MANY * limit:
        larger = f"`ALTER SYSTEM SET max_connections = {2 * limit}` and restart the server"
        advice = f"make SIHU_POOL_SIZE smaller (now {pool_size}), or {larger}"
        is_warning = found.clients < _TOO_MANY * limit
        yield Finding(is_warning, f"{sentence}: {advice}", warning=is_warning)
    else:
        yield Finding(True, sentence)
    if found.longest_s is not None and found.longest_s > _MAX_TRANSACTION_S:
        query = "SELECT pid, usename, query FROM pg_stat_activity ORDER BY xact_start LIMIT 1"
        sentence = f"a transaction has lasted {found.longest_s / 3600:.1f} h and keeps dead rows from being cleared"
        yield warned(f"{sentence}: find it with `{query}`, end it with `SELECT pg_terminate_backend(PID)`")


async def engine(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether somebody fires deadlines."""
    silence_s = (await server.sessions(connection)).engine_s
    if silence_s is None:
        yield warned("no engine is connected, so no deadline fires: run `sihu serve`, or `sihu serve --engine only`")
    elif silence_s > _MAX_SILENCE_S:
        sentence = f"the engine has asked for nothing for {silence_s:.0f} s, although it looks every 5 s"
        yield Finding(False, f"{sentence}: look at its log, and restart `sihu serve`")
    else:
        yield Finding(True, f"an engine is at work (it asked {silence_s:.0f} s ago)")


async def encryption(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether what goes to another host is encrypted."""
    found = await server.encrypted(connection)
    if found is False:
        yield warned("the connection to the database is not encrypted: add ?sslmode=verify-full to DATABASE_URL")
    elif found:
        yield Finding(True, "the connection to the database is encrypted")


async def room(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether the server's disk has room, if it is of this host."""
    folder = await server.local_folder(connection)
    usage = None if folder is None else _usage(folder)
    if folder is not None and usage is not None:
        yield _room_in(folder, usage)


def _usage(folder: str) -> shutil._ntuple_diskusage | None:
    try:
        return shutil.disk_usage(folder)
    except OSError:  # a container's folder, or one that this account may not see
        return None


def _room_in(folder: str, usage: shutil._ntuple_diskusage) -> Finding:
    sentence = f"{size(usage.free)} of {size(usage.total)} are free in {folder}"
    if usage.free >= _FEW_BYTES * usage.total:
        return Finding(True, sentence)
    is_warning = usage.free >= _TOO_FEW_BYTES * usage.total
    advice = f"what takes it: `du -xh {folder} | sort -h | tail`"
    return Finding(is_warning, f"{sentence}: make room, or move it to a larger disk; {advice}", warning=is_warning)


def _on(setting: str) -> str:
    return f"`ALTER SYSTEM SET {setting} = on{_RELOAD}`"
