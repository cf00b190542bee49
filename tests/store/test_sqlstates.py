"""The table of what can be wrong with a database: every SQLSTATE is in it, or is the fault of a statement."""

from __future__ import annotations

import asyncio
import ssl

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from service.store.database import Database
from service.store.sqlstates import BY_SQLSTATE, Trouble, cause_of, fault_of

pytestmark = pytest.mark.anyio

SQLSTATES = sorted(
    state
    for each in vars(asyncpg.exceptions).values()
    if isinstance(state := getattr(each, "sqlstate", None), str) and state[:2] > "02"
)
"""Every error of PostgreSQL, as its driver lists them, without the warnings."""

TROUBLE = {
    **dict.fromkeys(("08000", "08001", "08003", "08004", "08006", "08007", "08P01"), Trouble.AWAY),
    **dict.fromkeys(("57000", "57P01", "57P02", "57P03", "57P04", "57P05"), Trouble.AWAY),
    **dict.fromkeys(("25P03", "40003"), Trouble.AWAY),
    "25006": Trouble.READ_ONLY,
    **dict.fromkeys(("28000", "28P01", "3D000", "42501"), Trouble.REFUSED),
    **dict.fromkeys(("53000", "53100", "53200", "53400"), Trouble.FULL),
    **dict.fromkeys(("58000", "58030", "58P01", "58P02", "58P03", "F0000", "F0001"), Trouble.BROKEN),
    **dict.fromkeys(("53300", "55006", "55P03"), Trouble.BUSY),
    **dict.fromkeys(("40000", "40001", "40P01", "72000"), Trouble.CONFLICT),
    **dict.fromkeys(("57014", "25P04"), Trouble.TOO_SLOW),
    **dict.fromkeys(("26000", "42P05"), Trouble.CHANGED),
    **dict.fromkeys(("3F000", "42703", "42P01"), Trouble.INCOMPLETE),
}
"""Every SQLSTATE that is no fault of a statement; all others are."""


async def test_a_row_without_a_partition_is_trouble(database: Database) -> None:
    beyond = text("INSERT INTO log_batch (id, events, queues, reload) VALUES (-1, 1, '{}', '{}')")
    async with database.engine.connect() as connection:
        with pytest.raises(DBAPIError) as refusal:
            await connection.execute(beyond)
        await connection.rollback()
        with pytest.raises(DBAPIError) as broken:
            await connection.execute(text("INSERT INTO log_batch (events, queues, reload) VALUES (0, '{}', '{}')"))
    fault = fault_of(refusal.value)
    assert fault is not None
    assert (fault.trouble, fault.label) == (Trouble.FULL, "partition")
    assert fault_of(broken.value) is None


def test_the_table_names_no_unknown_state() -> None:
    assert len(SQLSTATES) > 240
    known = {*SQLSTATES, "25P04"}  # of a newer server than the driver knows
    assert set(TROUBLE) <= known
    assert all(any(state.startswith(prefix) for state in known) for prefix in BY_SQLSTATE)


async def test_every_sqlstate_is_trouble_or_a_fault(database: Database) -> None:
    """The server itself raises each error, so that it comes all the way through the driver."""
    found = {}
    async with database.engine.connect() as connection:
        for state in {*SQLSTATES, *TROUBLE}:
            with pytest.raises(DBAPIError) as refusal:
                await connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"))
            await connection.rollback()
            fault = fault_of(refusal.value)
            if fault is not None:
                assert fault.label == state
                found[state] = fault.trouble
    assert found == TROUBLE


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (ConnectionRefusedError(), Trouble.AWAY),
        (ssl.SSLError(), Trouble.AWAY),
        (asyncio.IncompleteReadError(b"", 5), Trouble.AWAY),
        (TimeoutError(), Trouble.SILENT),
        (PoolTimeoutError(), Trouble.BUSY),
        (asyncpg.InterfaceError("connection is closed"), Trouble.AWAY),
        (asyncpg.CannotConnectNowError("starting up"), Trouble.AWAY),
        (asyncpg.ConnectionDoesNotExistError("closed in the middle"), Trouble.AWAY),
        (asyncpg.InternalClientError("unexpected data"), Trouble.AWAY),
        (asyncpg.TargetServerAttributeNotMatched("no primary"), Trouble.READ_ONLY),
        (asyncpg.InvalidCachedStatementError("cached plan"), Trouble.CHANGED),
        (asyncpg.OutdatedSchemaCacheError("type"), Trouble.CHANGED),
        (asyncpg.TooManyConnectionsError("too many clients"), Trouble.BUSY),
        (DBAPIError("", None, Exception(), connection_invalidated=True), Trouble.AWAY),
        (DBAPIError("", None, Exception()), None),
        (asyncpg.DataError("an integer is needed"), None),
        (asyncpg.FeatureNotSupportedError("WITH"), None),
        (ValueError(), None),
        (asyncio.CancelledError(), None),
    ],
)
def test_errors_without_a_statement(error: BaseException, trouble: Trouble | None) -> None:
    fault = fault_of(error)
    assert (fault and fault.trouble) == trouble


@pytest.mark.parametrize("state", ["25006", "57P01", "08006", "26000"])
def test_a_connection_of_no_further_use_is_dropped(state: str) -> None:
    fault = fault_of(asyncpg.PostgresError.new({"C": state, "M": "words"}))
    assert fault is not None and fault.drops and fault.sentence == "words"


@pytest.mark.parametrize("state", ["57014", "40P01", "55P03", "53100"])
def test_a_connection_whose_statement_failed_is_kept(state: str) -> None:
    fault = fault_of(asyncpg.PostgresError.new({"C": state, "M": "words"}))
    assert fault is not None and not fault.drops


def test_the_cause_is_one_line_of_the_databases_words() -> None:
    error = DBAPIError(
        "SELECT", None, Exception("<class 'asyncpg.exceptions.DiskFullError'>: no space left\nHINT: more")
    )
    assert cause_of(error) == "no space left"
    assert cause_of(TimeoutError()) == "TimeoutError"
