"""How a connection to PostgreSQL is opened: which host, how long it may take, and the limits of the session.

The limits are set by statements and not while connecting, since a pooler such as PgBouncer refuses settings there that
it does not know.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import make_url
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from service import database_urls
from service.store.sqlstates import Trouble, fault_of

_KEEPALIVE = {"TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3}
_USER_TIMEOUT_MS = 5_000
"""After this long without a sign of the other end a connection is lost, on both ends: a host that vanished keeps no
locks, and nobody waits for it."""
SCHEMA_SUFFIX = (
    "CASE WHEN current_schema() = 'public' THEN '' "
    "WHEN current_schema() ~ '^[ -~]+$' THEN concat(' ', current_schema()) "
    "ELSE concat(' ', CAST(CAST(quote_ident(current_schema()) AS regnamespace) AS oid)) END"
)
"""SQL for what follows the name of a session whose schema is not `public`, so that districts in one database are told
apart: the schema, or its number where PostgreSQL would show question marks for its characters."""
# a table that this district lacks must never be found in the schema of another one, as the rest of a search path would
# have it
_ONE_SCHEMA = (
    "SELECT set_config('search_path', quote_ident(current_schema()), false), "
    f"set_config('application_name', concat(current_setting('application_name'), {SCHEMA_SUFFIX}), false) "
    "WHERE current_schema() IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the users of a lane wait, in seconds. `wait_s`: for a connection; `lock_s`: for a lock; `statement_s`:
    for one statement; `idle_s`: how long a transaction may do nothing before the server ends it; `block_s`: for the
    whole of a transaction, after which its connection is cut (None: for ever)."""

    wait_s: float
    lock_s: float
    statement_s: float
    idle_s: float
    block_s: float | None = None

    def limits(self) -> dict[str, str | int]:
        """The settings of a session that has these limits."""
        return {
            "statement_timeout": _ms(self.statement_s),
            "lock_timeout": _ms(self.lock_s),
            "idle_in_transaction_session_timeout": _ms(self.idle_s),
            "jit": "off",
        }

    def statements(self) -> str:
        """The statements that set these limits for a session, and how soon it is lost with its client."""
        settings = {
            **self.limits(),
            "tcp_keepalives_idle": _KEEPALIVE["TCP_KEEPIDLE"],
            "tcp_keepalives_interval": _KEEPALIVE["TCP_KEEPINTVL"],
            "tcp_keepalives_count": _KEEPALIVE["TCP_KEEPCNT"],
            "tcp_user_timeout": _USER_TIMEOUT_MS,
        }
        return "; ".join(f"SET {name} = {value}" for name, value in settings.items())


class Connector:
    """Opens the connections of one pool. Of several hosts, the one that was good last is tried first."""

    def __init__(self, url: str, patience: Patience, application: str) -> None:
        dialect: Any = PGDialect_asyncpg  # published without types
        _, options = dialect().create_connect_args(make_url(url))
        self._hosts = _listed(options.pop("host", None), options.pop("port", None))
        for name in database_urls.SESSION_PARAMETERS:
            options.pop(name, None)
        self._options: dict[str, Any] = options
        wanted = [_setting(*each) for each in database_urls.session_settings(url).items()]
        self._beginning = "; ".join([*wanted, patience.statements(), _ONE_SCHEMA])
        self._patience = patience
        self._server_settings = {"application_name": application, "timezone": "UTC"}
        self._first = 0

    async def __call__(self) -> Any:
        """A new connection of asyncpg. Raises what the last host tried answers."""
        limit_s = self._patience.wait_s / min(2, len(self._hosts))
        for n in range(len(self._hosts)):
            turn = (self._first + n) % len(self._hosts)
            try:
                connection = await self._open(*self._hosts[turn], limit_s)
            except Exception as error:
                if n + 1 == len(self._hosts) or not _may_be_elsewhere(error):
                    self._first = turn + 1  # the time may be up before all hosts were tried: go on from here
                    raise
            else:
                self._first = turn
                return connection
        raise AssertionError("a URL names at least one host")

    async def _open(self, host: str | None, port: int | None, limit_s: float) -> Any:
        connection = await asyncpg.connect(
            host=host,
            port=port,
            timeout=limit_s,
            server_settings=self._server_settings,
            # a backstop: what is sent while a session is set up is outside of the limit of a transaction
            command_timeout=(self._patience.block_s or self._patience.statement_s) + 5,
            **self._options,
        )
        try:
            _keep_alive(connection)
            await connection.execute(self._beginning, timeout=limit_s)
        except BaseException:
            connection.terminate()
            raise
        return connection


def _listed(hosts: Any, ports: Any) -> list[tuple[str | None, int | None]]:
    if isinstance(hosts, Sequence) and not isinstance(hosts, str):
        return list(zip(hosts, ports or [None] * len(hosts), strict=True))
    return [(hosts, ports)]


def _may_be_elsewhere(error: Exception) -> bool:
    """Whether another host may do what this one does not."""
    fault = fault_of(error)
    return fault is not None and fault.trouble is not Trouble.REFUSED


def _keep_alive(connection: Any) -> None:
    """Have the system look whether the server's host is still there. A socket file needs no such look."""
    made = connection._transport.get_extra_info("socket")  # asyncpg has no public way to its socket
    if made is None or made.family not in (socket.AF_INET, socket.AF_INET6):
        return
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in {**_KEEPALIVE, "TCP_USER_TIMEOUT": _USER_TIMEOUT_MS}.items():
        if hasattr(socket, name):  # not every system has all of them
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _setting(name: str, value: str) -> str:
    quoted = value.replace("'", "''")
    return f"SELECT set_config('{name}', '{quoted}', false)"


def _ms(seconds: float) -> int:
    return int(seconds * 1000)
