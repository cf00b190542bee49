"""All connections of one server, and how many there may be.

Until a connection has sent a request with an accepted key, it is a stranger's. An address has at most `MAX_STRANGERS`
such connections; when one more comes, the one on which nothing has been asked for the longest time makes room. So who
opens connections and says nothing closes his own, and who asks something is let in. Trusted proxies carry everybody's
connections and are not counted by their address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import ClassVar, Protocol

from service import clock as clocks
from service.clock import Clock
from service.rules.errors import SihuError
from service.web import hosts, unreadable
from service.web.hosts import Network
from service.web.request_log import RequestLog

MAX_STRANGERS = 128


class LobbyConnection(Protocol):
    """What the lobby, and a server that stops, know of a connection (`connections.Connection`)."""

    transport: asyncio.Transport

    @property
    def address(self) -> str: ...
    @property
    def has_shown_a_key(self) -> bool: ...
    @property
    def is_receiving_body(self) -> bool: ...
    @property
    def is_answering(self) -> bool: ...
    @property
    def is_idle(self) -> bool: ...

    def look(self, now: float) -> None: ...
    def refuse(self, error: SihuError) -> None: ...
    def interrupt(self, error: SihuError) -> None: ...
    def end_with_answer(self) -> None: ...


class Lobby:
    """The connections of a server, oldest first. `max_connections` is how many the process can have open."""

    LOOK_S: ClassVar[float] = 0.5

    def __init__(self, clock: Clock, trusted: Sequence[Network] = (), max_connections: int = 10_000) -> None:
        self.clock = clock
        self.log = RequestLog(clocks.monotonic)
        self.connections: dict[LobbyConnection, None] = {}
        self.is_closing = False
        """Whether each answer is to be the last one on its connection, since the server stops."""
        self.trusted = tuple(trusted)
        self._max = max_connections
        self._strangers: dict[str, dict[LobbyConnection, None]] = {}
        self._host_of = lru_cache(maxsize=4096)(self._host)

    def enter(self, connection: LobbyConnection) -> None:
        """Let a new connection in, if need be in the place of another one."""
        if not self.connections:
            asyncio.get_running_loop().call_later(self.LOOK_S, self._look)
        host = self._host_of(connection.address)
        if host is not None and len(self._strangers.get(host, ())) >= MAX_STRANGERS:
            self._forget_known(host)
        near = self._strangers.get(host, {}) if host is not None else {}
        is_full = len(near) >= MAX_STRANGERS and not self._made_room(near)
        is_full = is_full or (len(self.connections) >= self._max and not self._made_room_anywhere())
        self.connections[connection] = None
        if host is not None:
            self._strangers.setdefault(host, {})[connection] = None
        if is_full:
            connection.refuse(unreadable.CROWDED)

    def leave(self, connection: LobbyConnection) -> None:
        """Forget a connection that is closed."""
        self.connections.pop(connection, None)
        host = self._host_of(connection.address)
        if host is not None:
            self._forget(host, connection)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for host in list(self._strangers):
            self._forget_known(host)
        for connection in list(self.connections):
            connection.look(now)
        if self.connections:
            loop.call_later(self.LOOK_S, self._look)

    def _forget_known(self, host: str) -> None:
        for connection in [each for each in self._strangers.get(host, ()) if each.has_shown_a_key]:
            self._forget(host, connection)

    def _forget(self, host: str, connection: LobbyConnection) -> None:
        near = self._strangers.get(host, {})
        near.pop(connection, None)
        if not near:
            self._strangers.pop(host, None)

    def _made_room_anywhere(self) -> bool:
        strangers = (each for each in self.connections if not each.has_shown_a_key)
        return self._made_room(strangers) or self._made_room(self.connections)

    def _made_room(self, connections: Iterable[LobbyConnection]) -> bool:
        """Whether one of these connections could be closed: the first one on which no request is being answered."""
        for connection in connections:
            if not connection.is_answering:
                connection.transport.abort()
                self.leave(connection)
                return True
        return False

    def _host(self, address: str) -> str | None:
        """What counts as one host; None for a trusted proxy, and where the address is not known."""
        found = hosts.address_of(address)
        if found is None or any(found in network for network in self.trusted):
            return None
        return hosts.host_of(found)
