"""The histories of the log: where it was taken back, by a restore or by a failover that lost the newest batches.

A history is one row. It begins when the log goes on from a copy: on another server, another timeline of a server, or in
tables that were made again. Whoever numbers looks for that first, so the row says exactly up to which position the copy
shares the history before. A copy that looks like what it was copied from (a volume put back under the same server) is
found by those who remember what it lacks: a process, or a reader with its cursor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection
from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.logged import ByView
from service.rules.model import CLOCK
from service.rules.words import DISTRICT_DIGITS, EventType
from service.store import locks
from service.store.locks import DistrictLock
from service.store.log import marks, writing
from service.store.log.marks import LogPlace, LostPlaceError
from service.store.log.tables import event, log_history
from service.store.log.writing import Committed, Entry

RELOADS = ("keys", "numbers", "secret", "world")
"""What every process reads again after the log was taken back."""


class LogRestoredData(TypedDict):
    """The data of `sihu.log.restored`. `end` is the number of events that the log still shares with what readers knew,
    and `lost` how many more there were, at least; null: not known."""

    end: int | None
    lost: int | None
    by: ByView


class History(NamedTuple):
    """One history, oldest first in their list. `begins_after` is the last position that it shares with the one before;
    None: not known. `announced`: the log has an event that says so."""

    mark: str
    server: str
    begins_after: int | None
    announced: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process knows of the log from before. `histories` are the marks of those it knows, `places` the ends of
    the newest batches that it has read, in order. `lost_in`: a history in which readers have a place that is lost."""

    histories: frozenset[str]
    places: Sequence[LogPlace] = ()
    lost_in: str | None = None


@dataclass(frozen=True, slots=True)
class HistoryLook:
    """What a look at the histories has found. `is_lost`: the last place that the process remembers is not there any
    more. `server_started` goes with `numbering.seal`."""

    histories: tuple[History, ...]
    server_started: datetime
    is_lost: bool
    committed: Committed | None = None


async def stored(connection: AsyncConnection) -> tuple[History, ...]:
    """Return all histories, oldest first."""
    return tuple(map(_history, await connection.execute(select(log_history).order_by(log_history.c.n))))


async def look(tx: AsyncConnection, now: datetime, memory: Memory) -> HistoryLook:
    """Begin a history if the log goes on from a copy since the last look, and announce that events were lost, once for
    all processes. Nobody numbers before this transaction ends."""
    await tx.execute(locks.taken(DistrictLock.SEAL))
    found = _Finding(tx, now, memory, list(await stored(tx)), await marks.end(tx))
    is_lost = found.is_lost = await found.lacks_a_place()
    await found.compare(await _server(tx))
    if is_lost:
        await found.note_loss([each for each in found.histories if each.mark not in memory.histories])
    elif memory.lost_in in (known := [each.mark for each in found.histories]):
        await found.note_loss(found.histories[known.index(memory.lost_in) + 1 :])
    started = (await tx.execute(select(func.pg_postmaster_start_time()))).scalar_one()
    return HistoryLook(tuple(found.histories), started, is_lost, found.committed)


class _Finding:
    """One look, as far as it has got."""

    def __init__(
        self, tx: AsyncConnection, now: datetime, memory: Memory, histories: list[History], end: LogPlace
    ) -> None:
        self.histories = histories
        self.committed: Committed | None = None
        self.is_lost = False
        self._tx = tx
        self._now = now
        self._places = memory.places
        self._end = end

    async def lacks_a_place(self) -> bool:
        """Whether the log lacks the last place that the process remembers."""
        try:
            await marks.end_after(self._tx, self._places[-1] if self._places else marks.BEGINNING)
        except LostPlaceError:
            return True
        return False

    async def compare(self, server: str) -> None:
        """Begin a history if the tables are on another server or timeline than the last one says, or another copy."""
        last = self.histories[-1] if self.histories else None
        if last is not None and last.server == server:
            return
        await self._begin(server, self._end.position if last else 0)
        if last is not None and _copy_of(last.server) != _copy_of(server):
            await self._announce()  # a promoted standby may have lost nothing, but this is from a dump or a backup

    async def note_loss(self, since: Sequence[History]) -> None:
        """Announce a loss, unless that was done. `since` are the histories that began after the one that lost."""
        if not since:
            # what the process remembers says nothing of a loss that only a reader knows of
            common = await marks.last_common(self._tx, self._places) if self.is_lost else None
            await self._begin(self.histories[-1].server, common.position if common else None)
        if not self.histories[-1].announced:
            await self._announce()

    async def _begin(self, server: str, begins_after: int | None) -> None:
        values = {"server": server, "begins_after": begins_after, "at": self._now}
        row = (await self._tx.execute(insert(log_history).values(values).returning(log_history))).one()
        self.histories.append(_history(row))

    async def _announce(self) -> None:
        last = self.histories[-1]
        lost = self._places[-1].position - last.begins_after if self.is_lost and last.begins_after is not None else None
        data: LogRestoredData = {"end": last.begins_after, "lost": lost, "by": CLOCK.as_dict()}
        area = (await self._tx.execute(_DISTRICT)).scalar_one_or_none() or ""
        entry = Entry(EventType.LOG_RESTORED, self._now, area, (), data)
        self.committed = await writing.append(self._tx, [entry], reload=RELOADS)
        newest = select(func.max(log_history.c.n)).scalar_subquery()
        await self._tx.execute(update(log_history).where(log_history.c.n == newest).values(announced=True))
        self.histories[-1] = last._replace(announced=True)


_DISTRICT = (
    select(func.left(event.c.area, DISTRICT_DIGITS)).order_by(event.c.batch_id.desc(), event.c.ord.desc()).limit(1)
)


def _history(row: Row[Any]) -> History:
    return History(marks.short(row.mark), row.server, row.begins_after, row.announced)


_COPY = text(
    "SELECT concat_ws('/', (SELECT oid FROM pg_database WHERE datname = current_database()), "
    "'log_batch'::regclass::oid)"
)
# these functions may be forbidden to the role on a server that somebody else runs
_SYSTEM = text("SELECT system_identifier FROM pg_control_system()")
_TIMELINE = text("SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)")


async def _server(tx: AsyncConnection) -> str:
    """Return a name for these very tables: "system/database/table@timeline". A dump that is restored has other tables
    or another system, and a standby that was promoted or a backup that was recovered has another timeline."""
    system, timeline = await _if_allowed(tx, _SYSTEM), await _if_allowed(tx, _TIMELINE)
    copy = (await tx.execute(_COPY)).scalar_one()
    return f"{system}/{copy}@{timeline}"


async def copies(connection: AsyncConnection) -> tuple[str, list[str]]:
    """Return the name of these tables on this server, and the names of those in which the log was numbered within the
    last week, oldest first."""
    here = _copy_of(await _server(connection))
    return here, [_copy_of(server) for server in (await connection.execute(_LATELY)).scalars()]


_LATELY = text("SELECT server FROM log_history WHERE at > now() - interval '7 days' ORDER BY n")


def _copy_of(server: str) -> str:
    return server.partition("@")[0]


_NOT_HERE = ("42501", "42883", "0A000")
"""SQLSTATEs: no privilege, no such function, not supported."""


async def _if_allowed(tx: AsyncConnection, statement: Any) -> str:
    try:
        async with tx.begin_nested():
            return str((await tx.execute(statement)).scalar_one())
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) not in _NOT_HERE:
            raise
        return ""
