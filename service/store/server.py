"""What is known of the PostgreSQL server itself and of the sessions on it. Each question stands alone, since a relative
of PostgreSQL may not know the answer to one of them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.store.outages import Lane
from service.store.sessions import SCHEMA_SUFFIX

ENGINE_SESSION = f"sihu {Lane.ENGINE}"
"""The `application_name` of the sessions on which an engine sweeps, before that of its schema."""

_IDENTITY = text("SELECT version(), current_setting('server_version'), pg_is_in_recovery()")
_SETTINGS = text("SELECT name, current_setting(name, true) FROM unnest(CAST(:names AS text[])) AS name")
_RAW_SETTINGS = text("SELECT name, setting FROM pg_settings WHERE name = ANY(CAST(:names AS text[]))")
_SESSIONS = text(
    "SELECT count(*) FILTER (WHERE backend_type = 'client backend'), "
    "count(*) FILTER (WHERE datname = current_database() AND application_name LIKE 'sihu%' AND pid <> pg_backend_pid())"
    ", extract(epoch FROM min(CASE WHEN state = 'active' THEN interval '0' ELSE clock_timestamp() - state_change END)"
    " FILTER (WHERE datname = current_database() AND application_name = "
    f"left(concat(CAST(:engine AS text), {SCHEMA_SUFFIX}), 63))), "  # nosec B608 # of constants
    "extract(epoch FROM max(clock_timestamp() - xact_start)"
    " FILTER (WHERE datname = current_database() AND pid <> pg_backend_pid())) FROM pg_stat_activity"
)
_WIRE = text(
    "SELECT (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), "
    "inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr()"
)
_STANDBYS = text(
    "SELECT count(*), count(*) FILTER (WHERE sync_state IN ('sync', 'quorum')), "
    "pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') FROM pg_stat_replication"
)
_UNVACUUMED = text(
    "SELECT relname FROM pg_class JOIN pg_namespace AS space ON space.oid = relnamespace "
    "WHERE relkind = 'r' AND space.nspname = current_schema() "
    "AND reloptions && ARRAY['autovacuum_enabled=false', 'autovacuum_enabled=off', 'autovacuum_enabled=0'] ORDER BY 1"
)
_AGE = text("SELECT age(datfrozenxid), pg_database_size(oid) FROM pg_database WHERE datname = current_database()")
_FOLDER = text(
    "SELECT setting FROM pg_settings WHERE name = 'data_directory' "
    "AND (inet_server_addr() IS NULL OR inet_server_addr() = inet_client_addr())"
)


class Identity(NamedTuple):
    """What the server calls itself, at length and in short, and whether it is a standby, which takes no writes."""

    product: str
    version: str
    is_standby: bool


class Sessions(NamedTuple):
    """The sessions on a server: how many clients have one, how many of them are of this service, how many seconds ago
    an engine of this district asked (None: none is connected), and how long the longest transaction on this database
    has lasted."""

    clients: int
    ours: int
    engine_s: float | None
    longest_s: float | None


class Standbys(NamedTuple):
    """The standbys that are connected, how many of them a commit waits for, and whether this role may know."""

    connected: int
    synchronous: int
    known: bool


async def identity(connection: AsyncConnection) -> Identity:
    """Return what the server is."""
    return Identity(*(await connection.execute(_IDENTITY)).one())


async def settings(connection: AsyncConnection, *names: str) -> dict[str, str]:
    """Return the values of these settings; one that the server does not know is an empty text."""
    rows = await connection.execute(_SETTINGS, {"names": list(names)})
    return {name: value or "" for name, value in rows}


async def raw_settings(connection: AsyncConnection, *names: str) -> dict[str, str]:
    """Return the values of these settings of this session, in their units: a limit in milliseconds."""
    rows = await connection.execute(_RAW_SETTINGS, {"names": list(names)})
    return {row.name: row.setting for row in rows}


async def sessions(connection: AsyncConnection) -> Sessions:
    """Return who is connected."""
    clients, ours, engine_s, longest_s = (await connection.execute(_SESSIONS, {"engine": ENGINE_SESSION})).one()
    return Sessions(clients, ours, _seconds(engine_s), _seconds(longest_s))


def _seconds(value: object) -> float | None:
    return None if value is None else float(str(value))


async def encrypted(connection: AsyncConnection) -> bool | None:
    """Return whether this connection is encrypted; None when it does not leave this host."""
    encrypts, is_local = (await connection.execute(_WIRE)).one()
    return None if is_local else bool(encrypts)


async def standbys(connection: AsyncConnection) -> Standbys:
    """Return how many standbys follow this server."""
    return Standbys(*(await connection.execute(_STANDBYS)).one())


async def unvacuumed(connection: AsyncConnection) -> list[str]:
    """Return the tables of this service whose own autovacuum is off."""
    return list((await connection.execute(_UNVACUUMED)).scalars())


async def age_and_size(connection: AsyncConnection) -> tuple[int, int]:
    """Return how many transactions old the oldest row of the database may be, and how many bytes it has."""
    age, size = (await connection.execute(_AGE)).one()
    return age, size


async def local_folder(connection: AsyncConnection) -> str | None:
    """Return the folder of the server's files; None when it is on another host, or not for this role to know."""
    found: str | None = (await connection.execute(_FOLDER)).scalar_one_or_none()
    return found or None
