"""The connections of a process, apart for each kind of users: whoever takes all of his takes none of the others'."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from service.store.database import Database
from service.store.outages import Lane, Outages
from service.store.sessions import Patience

_PARTS_POOL = 4
_ENGINE_POOL = 3
_TAIL_POOL = 2
_PROBE_POOL = 1
BESIDE_PEOPLE = _PARTS_POOL + _ENGINE_POOL + _TAIL_POOL + _PROBE_POOL + 2
"""The most connections that a process opens besides those for people; two are for requests that take long."""

_PEOPLE = Patience(wait_s=2, lock_s=5, statement_s=8, idle_s=5, block_s=10)
_PARTS = Patience(wait_s=2, lock_s=4, statement_s=4, idle_s=5, block_s=5)
_ENGINE = Patience(wait_s=2, lock_s=5, statement_s=10, idle_s=5, block_s=15)
_TAIL = Patience(wait_s=2, lock_s=3, statement_s=4, idle_s=5, block_s=5)
_PROBE = Patience(wait_s=0.75, lock_s=1, statement_s=1, idle_s=5, block_s=2)


@dataclass(frozen=True, slots=True)
class Lanes:
    """All connections of one process, and what they meet. `people`: requests; `parts`: what the rooms run besides,
    above all the intake of reports; `engine`: the sweep, with a connection for each page side by side; `tail`:
    numbering the log, the clock and the registry; `probe`: `/readyz`."""

    outages: Outages
    people: Database
    parts: Database
    engine: Database
    tail: Database
    probe: Database

    def cut(self) -> None:
        """Cut all connections at once. Whoever waits for an answer on one of them gets `Unavailable`."""
        for lane in self._each():
            lane.cut()

    async def close(self) -> None:
        """Close all connections. A server that does not answer is not waited for."""
        ended = await asyncio.gather(*(lane.close() for lane in self._each()), return_exceptions=True)
        for error in ended:  # only now, when none is under way any more
            if error is not None:
                raise error

    def _each(self) -> tuple[Database, ...]:
        return self.people, self.parts, self.engine, self.tail, self.probe


def open_to(url: str, pool_size: int, outages: Outages, *, people: type[Database] = Database) -> Lanes:
    """The lanes to the database at `url`, of which people have `pool_size` connections, by a class of their own. None
    is opened before it is used."""

    def lane(name: Lane, size: int, patience: Patience, kind: type[Database] = Database) -> Database:
        application = f"sihu {name}"  # by which `sihu doctor` knows the sessions of an engine
        return kind(url, pool_size=size, patience=patience, application=application, lane=name, outages=outages)

    return Lanes(
        outages,
        people=lane(Lane.PEOPLE, pool_size, _PEOPLE, people),
        parts=lane(Lane.PARTS, _PARTS_POOL, _PARTS),
        engine=lane(Lane.ENGINE, _ENGINE_POOL, _ENGINE),
        tail=lane(Lane.TAIL, _TAIL_POOL, _TAIL),
        probe=lane(Lane.PROBE, _PROBE_POOL, _PROBE),
    )
