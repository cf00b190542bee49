"""Ids: UUIDv7, which carry the service's time and sort in the order in which one process made them.

RFC 9562 §6.2, method 1: a counter of 42 bits behind the millisecond, seeded at random with its highest bit clear
whenever the millisecond changes, then 32 random bits. The process makes them because `uuidv7()` needs PostgreSQL 18.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_SEED_BITS = 41  # one bit fewer than the counter has: 2 × 10¹² ids fit into one millisecond of a clock at rest


class _Sequence:
    """The last millisecond in which an id was made, and the counter within that millisecond. There is one for each
    process, and one thread uses it."""

    def __init__(self) -> None:
        self._millisecond = -1
        self._counter = 0

    def next(self, millisecond: int) -> int:
        if millisecond == self._millisecond:
            self._counter += 1
        else:
            self._millisecond = millisecond
            self._counter = int.from_bytes(os.urandom(6)) >> (48 - _SEED_BITS)
        return self._counter


_sequence = _Sequence()


def new_id(now: datetime) -> UUID:
    """A UUIDv7 for `now`, the service's time (aware). Ids of the same millisecond sort in the order in which they are
    made."""
    millisecond = (now - _EPOCH) // _MILLISECOND
    counter = _sequence.next(millisecond)
    tail = int.from_bytes(os.urandom(4))
    return UUID(
        int=millisecond << 80 | 0x7 << 76 | (counter >> 30) << 64 | 0b10 << 62 | (counter & 0x3FFF_FFFF) << 32 | tail
    )


def new_request_id() -> str:
    """A random name for one request, 32 hexadecimal digits. It needs no clock, since a process answers before it has
    read one."""
    return os.urandom(16).hex()


def time_of(id_: UUID) -> datetime:
    """The service's time (UTC, to the millisecond) at which an id was made."""
    return _EPOCH + (id_.int >> 80) * _MILLISECOND
