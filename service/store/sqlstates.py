"""What can be wrong with a database that is no fault of a statement: one table, by SQLSTATE.

Whatever the table knows is answered with 503 `unavailable`, since the same request may succeed a little later. All
other errors are the fault of a statement or of its data: a constraint, a syntax error, a value that cannot be stored.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class Trouble(StrEnum):
    """What is wrong: the cause that logs, metrics and `/readyz` name."""

    AWAY = "away"
    SILENT = "silent"
    READ_ONLY = "read_only"
    REFUSED = "refused"
    FULL = "full"
    BROKEN = "broken"
    BUSY = "busy"
    CONFLICT = "conflict"
    TOO_SLOW = "too_slow"
    CHANGED = "changed"
    INCOMPLETE = "incomplete"


class NoWritesError(Exception):
    """The server says of itself what it would say to a write."""

    sqlstate = "25006"


class TroubleRow(NamedTuple):
    """One row of the table. `drops`: the connection is of no further use, even if the server has not closed it."""

    trouble: Trouble
    drops: bool = False


BY_SQLSTATE: Mapping[str, TroubleRow] = {
    "08": TroubleRow(Trouble.AWAY, drops=True),  # the connection is lost, or was never made
    "25006": TroubleRow(Trouble.READ_ONLY, drops=True),  # a standby, or a server that was told to take no writes
    "25P03": TroubleRow(Trouble.AWAY, drops=True),  # this process was silent for too long within a transaction
    "25P04": TroubleRow(Trouble.TOO_SLOW, drops=True),  # a transaction took longer than the server allows
    "26000": TroubleRow(Trouble.CHANGED, drops=True),  # a prepared statement is gone: somebody has reset the session
    "28": TroubleRow(Trouble.REFUSED, drops=True),  # credentials, or the server's list of who may come in
    "3D": TroubleRow(Trouble.REFUSED, drops=True),  # no such database, or not yet
    "3F": TroubleRow(Trouble.INCOMPLETE),  # no such schema
    "40000": TroubleRow(Trouble.CONFLICT),
    "40001": TroubleRow(Trouble.CONFLICT),  # two transactions cannot both be carried out
    "40003": TroubleRow(Trouble.AWAY, drops=True),  # nobody knows whether the statement was completed
    "40P01": TroubleRow(Trouble.CONFLICT),  # a deadlock, of which this transaction was chosen to end
    "42501": TroubleRow(Trouble.REFUSED),  # a right is missing; or a file of the server cannot be written any more
    # the statements of this program fit its tables, so a table or column that is missing was taken away: by a restore
    # that is under way, or by hand
    "42703": TroubleRow(Trouble.INCOMPLETE),
    "42P01": TroubleRow(Trouble.INCOMPLETE),
    "42P05": TroubleRow(
        Trouble.CHANGED, drops=True
    ),  # a prepared statement of this name is there: somebody shares the session
    "53": TroubleRow(Trouble.FULL),  # out of disk or memory
    "53300": TroubleRow(Trouble.BUSY, drops=True),  # all connections of the server, the role or the database are taken
    "55006": TroubleRow(Trouble.BUSY),  # somebody else uses the object
    "55P03": TroubleRow(Trouble.BUSY),  # another transaction kept a lock too long
    "57": TroubleRow(Trouble.AWAY, drops=True),  # the server stops, starts, has crashed, or ends the session
    "57014": TroubleRow(Trouble.TOO_SLOW),  # cancelled: by its time limit, or by hand
    "58": TroubleRow(Trouble.BROKEN),  # the server cannot read or write its files
    "72": TroubleRow(Trouble.CONFLICT),  # the snapshot is too old
    "F0": TroubleRow(Trouble.BROKEN, drops=True),  # the server cannot read its configuration
}
"""The first characters of SQLSTATEs. Of two rows that fit, the longer one counts."""

_BY_CLASS: tuple[tuple[type[BaseException], str, TroubleRow], ...] = (
    (PoolTimeoutError, "pool", TroubleRow(Trouble.BUSY)),  # no TimeoutError of Python; every connection stayed in use
    (asyncpg.InvalidCachedStatementError, "0A000", TroubleRow(Trouble.CHANGED)),
    (asyncpg.OutdatedSchemaCacheError, "schema", TroubleRow(Trouble.CHANGED, drops=True)),
    (asyncpg.TargetServerAttributeNotMatched, "target", TroubleRow(Trouble.READ_ONLY)),
    (asyncpg.InternalClientError, "protocol", TroubleRow(Trouble.AWAY, drops=True)),
    (asyncpg.ClientConfigurationError, "client", TroubleRow(Trouble.REFUSED)),
    (asyncpg.DataError, "", TroubleRow(Trouble.AWAY)),
    (asyncpg.UnsupportedClientFeatureError, "", TroubleRow(Trouble.AWAY)),
    (asyncpg.InterfaceError, "connection", TroubleRow(Trouble.AWAY, drops=True)),
    (TimeoutError, "timeout", TroubleRow(Trouble.SILENT, drops=True)),
    (asyncio.IncompleteReadError, "connection", TroubleRow(Trouble.AWAY, drops=True)),
    (OSError, "connection", TroubleRow(Trouble.AWAY, drops=True)),
)
"""Errors of the driver and of the network, which have no SQLSTATE, and the label under which they are counted. Of two
rows that fit, the first one counts; a row without a label is the fault of a statement."""


class Failure(NamedTuple):
    """An error that is no fault of a statement. `label`: its SQLSTATE, or where there is none what it is counted as;
    `sentence`: the database's own words, in one line."""

    trouble: Trouble
    drops: bool
    label: str
    sentence: str


def fault_of(error: BaseException) -> Failure | None:
    """What is wrong with the database; None when the error is the fault of a statement, or of this program."""
    cause = _cause(error)
    state = getattr(cause, "sqlstate", None) or getattr(error, "sqlstate", None)
    found = _without_room(cause) or _of_class(cause) or _of_state(state if isinstance(state, str) else "")
    if found is None and isinstance(error, DBAPIError) and error.connection_invalidated:
        found = "connection", TroubleRow(Trouble.AWAY, drops=True)
    if found is None:
        return None
    label, row = found
    return Failure(row.trouble, row.drops, label, cause_of(error))


def unreached(error: BaseException) -> Failure | None:
    """What is wrong with a database that could not be connected to: whatever the server says then, no statement is to
    blame. None when the error is of another kind."""
    if (found := fault_of(error)) is not None or not isinstance(error, asyncpg.PostgresError | DBAPIError):
        return found
    state = getattr(_cause(error), "sqlstate", None)
    return Failure(Trouble.REFUSED, True, state if isinstance(state, str) else "connection", cause_of(error))


def _cause(error: BaseException) -> BaseException:
    """The driver's error in an error of SQLAlchemy, and otherwise the error itself."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    return error.orig.__cause__ or error.orig


def _of_state(state: str) -> tuple[str, TroubleRow] | None:
    for length in (5, 2):
        if row := BY_SQLSTATE.get(state[:length]):
            return state, row
    return None


def _of_class(error: BaseException) -> tuple[str, TroubleRow] | None:
    for kind, label, row in _BY_CLASS:
        if isinstance(error, kind):
            return (label, row) if label else None
    return None


def _without_room(error: BaseException) -> tuple[str, TroubleRow] | None:
    """A row for which the tables have no partition, such as a batch for which no stretch of the log was made. Its
    SQLSTATE is that of a CHECK, which would have a name."""
    is_check = isinstance(error, asyncpg.CheckViolationError)
    if is_check and getattr(error, "table_name", None) and not getattr(error, "constraint_name", None):
        return "partition", TroubleRow(Trouble.FULL)
    return None


_CLASS_BEFORE = re.compile(r"<class '[\w.]+'>: ")


def cause_of(error: BaseException) -> str:
    """Return the database's own sentence in an error, in one line without the names of classes."""
    cause = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    lines = _CLASS_BEFORE.sub("", cause.strip()).splitlines()
    return lines[0] if lines else type(error).__name__
