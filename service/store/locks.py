"""All advisory locks, each of one district: PostgreSQL keeps them by database, and a database may hold many districts,
each in a schema of its own.

A key is the number of the schema before the number of the lock. In the schema `public` the first is 0, which gives the
keys of the programs from before districts shared a database: there, programs of both versions exclude each other while
one replaces the other. In any other schema such a program refuses to work (migration 0015), so nobody uses other keys.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.sql import Select


class DistrictLock(IntEnum):
    """`MIGRATE`: the host that migrates. `SEAL`: the process that numbers the log. `DECIDE`: transactions that decide
    by the world share it; a transaction that changes the world has it alone. `SECRETS`: whoever makes the first secret
    key, or names another one. `TEXTS`: erasures share it; whoever moves texts to another place has it alone, so that
    none is written there once it was erased here."""

    MIGRATE = 0x51480001
    SEAL = 0x51480002
    DECIDE = 0x51480003
    SECRETS = 0x51480004
    TEXTS = 0x51480005


_SUBJECTS = 0x5148
"""The class of the locks of which each subject has one."""

# the name has its quotes, since the cast reads it as a statement would; the casts ask no table, which would cost more
_SCHEMA = (
    "CASE current_schema() WHEN 'public' THEN 0 "
    "ELSE CAST(CAST(CAST(quote_ident(current_schema()) AS regnamespace) AS oid) AS bigint) << 32 END"
)
_BEFORE_SUBJECT: ColumnElement[str] = literal_column(
    "CASE current_schema() WHEN 'public' THEN '' ELSE current_schema() || ' ' END"
)


def _key(lock: DistrictLock) -> ColumnElement[int]:
    return literal_column(f"({_SCHEMA}) + {lock:d}")


def taken(lock: DistrictLock) -> Select[Any]:
    """Wait for the lock and have it alone until the transaction ends."""
    return select(func.pg_advisory_xact_lock(_key(lock)))


def shared(lock: DistrictLock) -> Select[Any]:
    """Wait for the lock and have it with others until the transaction ends."""
    return select(func.pg_advisory_xact_lock_shared(_key(lock)))


def tried(lock: DistrictLock) -> ColumnElement[bool]:
    """Whether the lock could be taken at once, until the transaction ends."""
    return func.pg_try_advisory_xact_lock(_key(lock))


def tried_for_session(lock: DistrictLock) -> Select[Any]:
    """Whether the lock could be taken at once, until the session ends."""
    return select(func.pg_try_advisory_lock(_key(lock)))


def of_subject(subject: str) -> Select[Any]:
    """Wait for the lock of a subject and have it alone until the transaction ends. Two subjects may share a lock."""
    return select(func.pg_advisory_xact_lock(_SUBJECTS, func.hashtext(func.concat(_BEFORE_SUBJECT, subject))))
