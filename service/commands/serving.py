"""The HTTP server of `sihu serve`, and how it stops: whoever waits is let go at once, what was begun is answered, and
what takes too long is refused in words that an app understands."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import IPv4Network

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from service.commands.signals import StopSignals
from service.process import Process
from service.web import connections, unreadable
from service.web.connections import IDLE_S
from service.web.hosts import Network
from service.web.lobby import Lobby, LobbyConnection

_GRACE_S = 0.3
"""Seconds for which idle connections stay open: a request that is on its way is answered, and a balancer that asks
/readyz learns to send no more."""
_ARRIVAL_S = 1.0
"""Seconds for which a request that has arrived in part may go on arriving, and an answer be read."""
_DRAIN_S = 3.5
"""Seconds for which the answer to a request that has arrived is waited for."""
_CANCEL_S = 0.5
_PARTS_S = 2.5
_LOOK_S = 0.02


class StoppableServer(uvicorn.Server):
    """uvicorn's server, but signals are not its own, and it stops in a few seconds whatever the database does."""

    def __init__(self, config: uvicorn.Config, process: Process, lobby: Lobby, signals: StopSignals) -> None:
        super().__init__(config)
        self._process = process
        self._lobby = lobby
        self._signals = signals
        self._stopping: asyncio.Task[None] | None = None

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the command: uvicorn would raise them once more when all is done."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._stopping = asyncio.create_task(self._stop_on_signal())

    async def _stop_on_signal(self) -> None:
        await self._signals.stop.wait()
        self._lobby.is_closing = True
        for connection in self._lobby.connections:
            connection.end_with_answer()
        self._process.let_go()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new connections, wait for the answers, and stop the process of the application."""
        await self._close_listeners(sockets or ())
        await self._drain()
        for connection in list(self._lobby.connections):
            connection.interrupt(unreadable.STOPPING)
        tasks = set(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=_CANCEL_S)
        await asyncio.wait({asyncio.create_task(self.lifespan.shutdown())}, timeout=_PARTS_S)

    async def _close_listeners(self, listeners: Sequence[socket.socket]) -> None:
        """Take in who has knocked already, since closing a listener cuts them off, and no one else."""
        loop = asyncio.get_running_loop()
        knocked: list[socket.socket] = []
        for each in listeners:
            each.setblocking(False)
            with suppress(OSError):
                while True:
                    knocked.append(each.accept()[0])
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for server in self.servers:
            server.close()
        for each in knocked:
            each.setblocking(False)
            await loop.connect_accepted_socket(self._new_connection, each)

    def _new_connection(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while not self._signals.hurry.is_set():
            passed_s = loop.time() - began
            open_connections = list(self._lobby.connections)
            if not any(passed_s < _patience_s(each) for each in open_connections):
                return
            for connection in open_connections:
                if passed_s >= _GRACE_S and connection.is_idle:
                    connection.transport.close()
            await asyncio.sleep(_LOOK_S)


def _patience_s(connection: LobbyConnection) -> float:
    """How long after the signal a connection is waited for."""
    if connection.is_answering and not connection.is_receiving_body:
        return _DRAIN_S
    return _GRACE_S if connection.is_idle else _ARRIVAL_S


class _Quiet:
    """An application whose requests may be cancelled while the server stops: they have had their answer, and uvicorn
    would log each of them as a fault."""

    def __init__(self, app: ASGIApp, lobby: Lobby) -> None:
        self._app = app
        self._lobby = lobby

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if not self._lobby.is_closing:
                raise


def believed(trusted: Sequence[Network]) -> list[str]:
    """The networks whose word about a client is taken: those of trusted proxies, else this machine. A socket that takes
    IPv4 and IPv6 shows an IPv4 address within IPv6."""
    networks = trusted or (IPv4Network("127.0.0.1"),)
    mapped = [
        f"::ffff:{each.network_address}/{96 + each.prefixlen}" for each in networks if isinstance(each, IPv4Network)
    ]
    return [*map(str, networks), *mapped]


def server(app: ASGIApp, process: Process, lobby: Lobby, signals: StopSignals) -> StoppableServer:
    """The server of an application, whose process it stops at the end."""
    config = uvicorn.Config(
        _Quiet(app, lobby),
        log_config=None,  # its lines go through the log of the process
        log_level="warning",
        access_log=False,
        http=connections.protocol(lobby),
        ws="none",
        server_header=False,
        timeout_keep_alive=IDLE_S,
        backlog=2048,
        proxy_headers=True,
        forwarded_allow_ips=believed(lobby.trusted),
    )
    return StoppableServer(config, process, lobby, signals)
