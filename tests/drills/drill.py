"""One drill: load on a few processes, faults in between, and the judgement once everything is at rest."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.drills import oracle
from tests.drills.cluster import Cluster
from tests.drills.ledger import Ledger
from tests.drills.reader import FeedReader
from tests.drills.site import ANSWER_S, RESOLVE_S, Keys, Serving, Template, served
from tests.drills.writers import Writers

Say = Callable[[str], None]
_QUEUE_PAGE = 100
_QUIET_S = 40.0


@dataclass
class Outcome:
    """What a drill found: figures to read, and violations, of which there should be none."""

    figures: dict[str, object] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    skipped: str = ""

    def demand(self, holds: bool, sentence: str) -> None:
        if not holds:
            self.violations.append(sentence)


class Drill:
    """The people, the reader and the ledger at a few processes that run already."""

    def __init__(
        self, servers: Sequence[Serving], keys: Keys, *, people: int, batchers: int, readers: Sequence[Serving]
    ) -> None:
        self.servers = list(servers)
        self.keys = keys
        self.ledger = Ledger()
        urls = [server.url for server in servers]
        self.reader = FeedReader([server.url for server in readers], keys.of("auditor"))
        self.reader.start()
        self.writers = Writers(urls, keys, self.ledger, people=people, batchers=batchers)
        self.pages: dict[str, list[str]] = {}
        """Every queue that has anything in it, as it was read page by page at the end."""

    async def close(self) -> None:
        await self.writers.stop(0)
        await self.reader.stop()

    async def writes_again(self, since: float, seconds: float = 60) -> dict[int, float | None]:
        """For each process, how long after a moment it acknowledged a write again; None: not in time."""
        while True:
            numbers = range(len(self.servers))
            found = {number: self.ledger.first_done_after(since, number) for number in numbers}
            if None not in found.values() or time.monotonic() > since + seconds:
                return found
            await asyncio.sleep(0.05)

    async def judge(self, cluster: Cluster, folder: Path, *, losses: bool = False) -> Outcome:
        """Let everything come to rest, and hold the ledger, the reader and the queues against the tables."""
        outcome = Outcome()
        outcome.demand(await self.writers.stop(), "some writes were never answered for good")
        quiet = await cluster.until(f"SELECT ({oracle.OVERDUE}) = 0", seconds=_QUIET_S)
        outcome.demand(quiet, f"deadlines stay overdue, {_QUIET_S:.0f} s after the last fault")
        await self.reader.stop()
        for server in self.servers:
            await server.terminate()
        async with served(cluster.url(), folder / "quiet.log", "--engine", "off") as server:
            await self.reader.to_the_end(server.url)
            self.pages = await self._queues(cluster, server.url)
        outcome.violations += await self.compare(cluster, losses=losses)
        outcome.figures |= {**self.ledger.figures(), "events": len(self.reader.seen)}
        return outcome

    async def compare(self, cluster: Cluster, *, losses: bool = False) -> list[str]:
        """Everything that is wrong, once all is at rest."""
        connection = await cluster.connect()
        try:
            return [
                *self.ledger.faults(),
                *oracle.violation("a fault of the feed", self.reader.faults),
                *oracle.violation("an event id given twice", self.reader.ids_given_twice),
                *await self.disagreements(connection, losses=losses),
            ]
        finally:
            await connection.close()

    async def disagreements(self, connection: Any, *, losses: bool = False) -> list[str]:
        """What ledger, reader and queues say, and the tables do not; and what is wrong in the tables by themselves."""
        return [
            *await oracle.check_ledger(connection, self.ledger, losses=losses),
            *await oracle.check_feed(connection, self.reader.seen, self.reader.before),
            *await oracle.check_queues(connection, self.pages),
            *await oracle.check_tables(connection, list(ANSWER_S.values()), list(RESOLVE_S.values())),
        ]

    async def _queues(self, cluster: Cluster, url: str) -> dict[str, list[str]]:
        connection = await cluster.connect()
        try:
            units = await oracle.queue_units(connection)
        finally:
            await connection.close()
        async with httpx.AsyncClient(base_url=url, headers=self.keys.of("auditor"), timeout=30) as client:
            return {unit: await _queue(client, unit) for unit in units}


async def _queue(client: httpx.AsyncClient, unit: str) -> list[str]:
    ids: list[str] = []
    query: dict[str, str | int] = {"limit": _QUEUE_PAGE}
    while True:
        answer = await client.get(f"/v1/queues/{unit}", params=query)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        ids += [row["id"] for row in page["items"]]
        if page["next_cursor"] is None:
            return ids
        query["cursor"] = page["next_cursor"]


@dataclass
class Stage:
    """A running copy of the prepared database, and the folder of the drill."""

    folder: Path
    cluster: Cluster
    keys: Keys
    say: Say
    servers: list[Serving] = field(default_factory=list)

    async def serve(self, *urls: str, arguments: Sequence[str] = ()) -> list[Serving]:
        """Processes of the service, ready, one for each URL of a database."""
        for url in urls:
            number = len(self.servers)
            server = Serving(url, self.folder / f"sihu-{number}.log", *arguments)
            server.start()
            self.servers.append(server)
        await asyncio.gather(*(server.ready() for server in self.servers))
        return self.servers


@asynccontextmanager
async def stage(
    template: Template, name: str, say: Say, *, start: bool = True, **settings: str
) -> AsyncIterator[Stage]:
    """A stage of a drill's own, taken down at the end whatever happened."""
    folder, cluster = template.copy(name)
    if start:
        cluster.start(**settings)
    here = Stage(folder, cluster, template.keys, say)
    try:
        yield here
    finally:
        for server in here.servers:
            server.kill()
        cluster.remove()


@asynccontextmanager
async def load(
    here: Stage, *, people: int = 12, batchers: int = 2, readers: Sequence[Serving] = ()
) -> AsyncIterator[Drill]:
    """Load on every process of a stage, and a reader of the feed at all of them, or at some."""
    drill = Drill(here.servers, here.keys, people=people, batchers=batchers, readers=readers or here.servers)
    try:
        yield drill
    finally:
        await drill.close()
