"""A TCP proxy in front of PostgreSQL that loses what a network loses: connections, answers, time.

It can be led to another server, pass nothing on (a partition), answer late, and cut a connection around a COMMIT.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Self

from tests.drills import wire

_CHUNK = 65_536


class Cut(StrEnum):
    """What is done to a connection around a COMMIT."""

    BEFORE = "before it arrived"
    WITH = "as it arrived"
    AFTER = "its answer thrown away"
    FREEZE = "held, and all else with it"


class Proxy:
    """Listens on a port of its own as long as its block."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.delay_s = 0.0
        """How long each answer of the server is kept back."""
        self.commits = 0
        self.open: set[_Link] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._wanted: list[tuple[Cut, asyncio.Future[None]]] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.thaw()
        self.cut_all()
        await asyncio.sleep(0)

    def freeze(self) -> None:
        """Pass no byte on, in neither direction, and no end of a connection."""
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    def cut_all(self) -> None:
        for link in list(self.open):
            link.abort()

    def lead_to(self, port: int, *, cut: bool = True) -> None:
        """Lead new connections to another server; those there are stay where they are, or are cut."""
        self.target_port = port
        if cut:
            self.cut_all()

    async def cut_next(self, how: Cut) -> None:
        """Cut the connection of the next COMMIT of a transaction that wrote. Returns once that is done."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wanted.append((how, done))
        await done

    def wanted(self) -> tuple[Cut, asyncio.Future[None]] | None:
        return self._wanted.pop(0) if self._wanted else None

    async def flows(self) -> None:
        await self._flows.wait()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = _Link(self, writer)
        self.open.add(link)
        try:
            await link.carry(reader)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            link.abort()
            self.open.discard(link)


class _Link:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter) -> None:
        self._proxy = proxy
        self._client = client
        self._server: asyncio.StreamWriter | None = None
        self._conversation = wire.Conversation()
        self._lost_answer: tuple[wire.Messages, asyncio.Future[None]] | None = None

    def abort(self) -> None:
        if self._lost_answer is not None:
            _finish(self._lost_answer[1])
        for side in (self._client, self._server):
            if side is not None:
                side.transport.abort()

    async def carry(self, reader: asyncio.StreamReader) -> None:
        await self._proxy.flows()
        answers, self._server = await asyncio.open_connection("127.0.0.1", self._proxy.target_port)
        tasks = [asyncio.create_task(self._forth(reader)), asyncio.create_task(self._back(answers))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _forth(self, reader: asyncio.StreamReader) -> None:
        assert self._server is not None
        messages = wire.Messages(starts=True)
        while data := await reader.read(_CHUNK):
            await self._proxy.flows()
            for message in messages.feed(data):
                if wire.asks_for_encryption(message):
                    self._client.write(b"N")
                elif not self._conversation.commits_a_write(message):
                    self._server.write(message)
                elif await self._commit(self._server, message):
                    return
            await self._server.drain()
        await self._proxy.flows()

    async def _commit(self, server: asyncio.StreamWriter, message: bytes) -> bool:
        """Pass a COMMIT on, or cut the connection. Returns whether it was cut."""
        self._proxy.commits += 1
        wanted = self._proxy.wanted()
        if wanted is None:
            server.write(message)
            return False
        how, done = wanted
        if how is Cut.FREEZE:
            self._proxy.freeze()
            _finish(done)
            await self._proxy.flows()
            server.write(message)
            return False
        if how is Cut.AFTER:
            self._lost_answer = wire.Messages(starts=False), done
            server.write(message)
            return False
        if how is Cut.WITH:
            server.write(message)
            await server.drain()
            server.close()  # not a reset, which could overtake the COMMIT
        _finish(done)
        return True

    async def _back(self, answers: asyncio.StreamReader) -> None:
        while data := await answers.read(_CHUNK):
            if self._proxy.delay_s:
                await asyncio.sleep(self._proxy.delay_s)
            await self._proxy.flows()
            if self._lost_answer is not None:
                messages, done = self._lost_answer
                if any(map(wire.settles, messages.feed(data))):
                    _finish(done)
                    return
                continue
            self._client.write(data)
            await self._client.drain()
        await self._proxy.flows()


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)
