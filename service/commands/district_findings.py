"""What `sihu doctor` finds about the place of a district: its schema, its node, and whether limits reach it there."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from itertools import groupby

from service.commands.finding import Finding, warned
from service.store import districts, nodes, server
from service.store.database import COMMAND, Transaction
from service.store.log import histories

_SHOWN = 5
_EXPECTED = {**{name: str(value) for name, value in COMMAND.limits().items()}, "TimeZone": "UTC"}
"""The settings of the sessions of a command."""
_OF_WORKERS = {
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "30s",
    "jit": "off",
    "TimeZone": "UTC",
}
"""What sessions between nodes should have, as the most patient connections of a process have it. A statement is ended
where it was sent, so `statement_timeout` is not among them: it would end backups and migrations."""
_SHARDS_HIDDEN = "citus.override_table_visibility"
_ONE_NODE = "all processes of a district, and its commands, name one node in DATABASE_URL"


async def place(connection: Transaction) -> AsyncIterator[Finding]:
    """In which schema the district is, and who else is in the database."""
    found = await districts.neighbourhood(connection)
    if found.others:
        more = f" and {len(found.others) - _SHOWN} more" if len(found.others) > _SHOWN else ""
        others = ", ".join(found.others[:_SHOWN])
        yield Finding(True, f"this district is in the schema {found.own}; others of this database: {others}{more}")
    elif found.own != "public":
        yield Finding(True, f"this district is in the schema {found.own}, and alone in its database")


async def limits(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether the limits of a session are what this process has set."""
    found = await server.raw_settings(connection, *_EXPECTED)
    for name, value in _EXPECTED.items():
        if found.get(name) != value:
            advice = f"`ALTER ROLE CURRENT_USER SET {name} = '{value}'`, and see what lies between"
            yield warned(f"{name} is {found.get(name) or 'unknown'} here, and sihu has set {value}: {advice}")


async def node(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether the district works on the coordinator of a database that is spread over nodes, and is limited there."""
    group = await nodes.group(connection)
    if group is None:
        return
    if await nodes.is_worker(connection):
        sentence = f"this server is a worker (group {group}) of a spread database, whose ids and numbers are of its own"
        yield Finding(False, f"{sentence}: name the coordinator in DATABASE_URL; {_ONE_NODE}")
        return
    yield Finding(True, f"this server is the coordinator of a spread database; {_ONE_NODE}")
    for worker in await nodes.settings(connection, *_OF_WORKERS):
        lacking = [name for name, value in worker.values.items() if not _is_limited(name, value)]
        if lacking:
            setting = "; ".join(f"ALTER ROLE CURRENT_USER SET {name} = '{_OF_WORKERS[name]}'" for name in lacking)
            yield warned(f"on {worker.node}, limits of a session are not in force: `{setting}` there")
    if (await server.settings(connection, _SHARDS_HIDDEN))[_SHARDS_HIDDEN] == "on":
        advice = f"`ALTER DATABASE … SET {_SHARDS_HIDDEN} = off`"
        yield warned(f"{_SHARDS_HIDDEN} is on, so each new connection takes a second or more: {advice}")


def _is_limited(name: str, value: str) -> bool:
    return value == _OF_WORKERS[name] if name in ("jit", "TimeZone") else value not in ("0", "")


async def one_server(connection: Transaction) -> AsyncIterator[Finding]:
    """Whether the log was numbered on one server only, or on two in turn."""
    here, before = await histories.copies(connection)
    works_here = (await server.sessions(connection)).engine_s is not None
    in_turn = _return(before)
    if in_turn or (works_here and before and before[-1] != here):
        sentence = "processes of this district work on two servers, each with locks and ids of its own"
        yield Finding(False, f"{sentence}: {_ONE_NODE}; stop the others")


def _return(copies: Sequence[str]) -> bool:
    """Whether a copy follows another one that came after it."""
    in_order = [copy for copy, _ in groupby(copies)]
    return len(set(in_order)) < len(in_order)
