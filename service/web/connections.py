"""One connection of a client, with limits that hold before anything is understood of a request: a head has at most
`HEAD_BYTES` and `HEAD_S` seconds, a body `BODY_S` seconds, and a connection on which nothing is asked is closed.

The head is counted as it comes in, so a head of 64 MiB costs no more memory than one of 64 KiB. Times are looked at by
the lobby (`lobby.py`) for all connections at once; a request costs no timer of its own.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import IntEnum
from typing import Any, cast

from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from service import ids
from service.rules.errors import SihuError
from service.web import every_answer, problems, request_log, unreadable
from service.web.lobby import Lobby
from service.web.problem_examples import BODY_S, HEAD_BYTES, HEAD_S

IDLE_S = 75
"""Seconds without a request after which a connection is closed. Proxies keep an idle connection for 60 s; one that is
closed sooner here would meet the next request of the proxy half-way."""
STALLED_S = 60
"""Seconds after which a connection is cut whose client reads nothing of its answer."""
_LINGER_S = 2
"""Seconds for which what still comes is thrown away after a refusal. Closing at once would take the answer back."""
_PIECE_BYTES = 16 * 1024
"""The parser is fed with at most so many bytes at once, so that it never holds much more than a head may have."""
_MAX_PIPELINED = 1000
"""Requests that may wait behind another one on the same connection."""
_TRAILERS: deque[tuple[bytes, bytes]] = deque(maxlen=0)
"""Where the header lines behind a body go: nobody reads them."""


class Reading(IntEnum):
    """What a connection is in the middle of receiving."""

    NOTHING = 0
    HEAD = 1
    BODY = 2
    REFUSED = 3  # whatever still comes is thrown away


_NOTHING, _HEAD, _BODY, _REFUSED = Reading


class Connection(HttpToolsProtocol):
    """A connection whose requests have to come in time and in size. `lobby` is that of its server."""

    lobby: Lobby

    # --- what uvicorn and the parser call ---

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.reading: Reading = _NOTHING
        self.since = self.loop.time()
        self.running: RequestResponseCycle | None = None
        self.is_known = False
        self._head_bytes = self._bodiless_bytes = 0
        self._ended_in_piece = False
        self._stalled_since: float | None = None
        self.lobby.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.lobby.leave(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if len(data) <= _PIECE_BYTES and self.reading is _NOTHING:
            self._feed(data)
            return
        at = 0
        while at < len(data) and self.reading is not _REFUSED and not self.transport.is_closing():
            room = min(_PIECE_BYTES, HEAD_BYTES - self._head_bytes) if self.reading is _HEAD else _PIECE_BYTES
            self._feed(data[at : at + room])
            at += room

    def _feed(self, data: bytes) -> None:
        self._ended_in_piece = False
        super().data_received(data)
        if self.reading is _HEAD:
            # a head that begins behind the end of another request has only a part of this piece
            self._head_bytes += 0 if self._ended_in_piece else len(data)
            if self._head_bytes >= HEAD_BYTES:
                self.refuse(unreadable.LARGE_HEAD)
        elif self.reading is _BODY:
            self._bodiless_bytes += len(data)
            if self._bodiless_bytes > HEAD_BYTES:  # a trailer, or a chunk's extension, without end
                self.refuse(unreadable.LARGE_HEAD)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.reading, self.since = _HEAD, self.loop.time()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        self.reading, self.since = _BODY, self.loop.time()
        self._bodiless_bytes = 0
        super().on_headers_complete()
        self.headers = _TRAILERS  # type: ignore[assignment]  # the request keeps its own list
        if self.lobby.is_closing:
            self.cycle.keep_alive = False
        if len(self.pipeline) > _MAX_PIPELINED:
            self._end_with_answer()

    def on_body(self, body: bytes) -> None:
        self._bodiless_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self.reading is not _REFUSED:
            self.reading, self.since = _NOTHING, self.loop.time()
        self._ended_in_piece = True
        super().on_message_complete()

    def pause_writing(self) -> None:
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_since = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        self.refuse(unreadable.NOT_HTTP)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.is_known = self.has_shown_a_key
        self.running = cycle
        super()._start_asgi_task(cycle, app)

    # --- what the lobby and a stop look at ---

    @property
    def has_shown_a_key(self) -> bool:
        """Whether one of its requests came with an accepted key: the gate puts the actor into the scope."""
        return self.is_known or (self.running is not None and "actor" in self.running.scope)

    @property
    def is_receiving_body(self) -> bool:
        """Whether a head has come, and its body has not come to its end."""
        return self.reading is _BODY

    @property
    def is_answering(self) -> bool:
        """Whether a request was received in part or whole, and its answer is not finished yet."""
        return self.running is not None and not (self.running.response_complete or self.running.disconnected)

    @property
    def is_idle(self) -> bool:
        """Whether nothing was asked that is not answered, down to the last byte."""
        is_sent = self.transport.get_write_buffer_size() == 0
        return self.reading in (_NOTHING, _REFUSED) and not self.is_answering and is_sent

    @property
    def address(self) -> str:
        """The address at the other end; empty when it is not known."""
        return self.client[0] if self.client else ""

    def look(self, now: float) -> None:
        """End what takes too long. The lobby calls this about twice a second."""
        if self._stalled_since is not None and now - self._stalled_since > STALLED_S:
            self.transport.abort()
        elif self.reading is _REFUSED or self.transport.is_closing():
            if now - self.since > _LINGER_S:
                self.transport.abort()
        elif self.reading is not _BODY and self.is_answering:
            self.since = now  # the client waits for us, not we for it
        elif self.flow.read_paused:
            self.since += self.lobby.LOOK_S
        else:
            self._look_at_time(now - self.since)

    def _look_at_time(self, passed_s: float) -> None:
        if self.reading is _HEAD and passed_s > HEAD_S:
            self.refuse(unreadable.SLOW_HEAD)
        elif self.reading is _BODY and passed_s > BODY_S:
            self.refuse(unreadable.SLOW_BODY)
        elif self.reading is _NOTHING and passed_s > (HEAD_S if self.running is None else IDLE_S):
            self.transport.close()

    # --- how a connection ends ---

    def end_with_answer(self) -> None:
        """Make the answer that is under way the last one."""
        if self.cycle is not None:
            self.cycle.keep_alive = False

    def refuse(self, error: SihuError) -> None:
        """Answer what is being received with this refusal, and close the connection. When the answer to an earlier
        request is under way, that is finished, and this one is not answered."""
        running = self.running
        if not self.is_answering:
            is_answered = self.reading is _BODY  # as with 401, which does not wait for the body
            self._finish(b"" if is_answered else self._unread(error))
        elif running is not self.cycle or self.reading is not _BODY:
            self._end_with_answer()
        else:
            self.interrupt(error)

    def interrupt(self, error: SihuError) -> None:
        """Answer the request that is being worked on with this refusal, and close the connection. What the app still
        says about it goes nowhere."""
        running = self.running
        if running is None or not self.is_answering:
            self.transport.close()
            return
        content = b"" if running.response_started else self._instead(error, cast("Scope", running.scope))
        running.disconnected = True
        running.message_event.set()
        self.pipeline.clear()
        self._finish(content)

    def _unread(self, error: SihuError) -> bytes:
        """The answer to what did not arrive as a request."""
        is_begun, request_id = self.reading is _HEAD, ids.new_request_id()
        url, lines = (self.url, self.headers) if is_begun else (b"", [])
        self.lobby.log.note_unreadable(self.address, request_id, problems.status_of(type(error)), error.code)
        return unreadable.answer(error, url, lines, self.lobby.clock, request_id)

    def _instead(self, error: SihuError, scope: Scope) -> bytes:
        """The answer to a request in place of the application's."""
        request_log.mark_answered(scope, problems.status_of(type(error)), error.code)
        request_id = every_answer.request_id_of(scope) or ids.new_request_id()
        return unreadable.answer(error, scope["raw_path"], scope["headers"], self.lobby.clock, request_id)

    def _finish(self, content: bytes) -> None:
        self.reading, self.since = _REFUSED, self.loop.time()
        if content:
            self.transport.write(content)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()

    def _end_with_answer(self) -> None:
        self.reading, self.since = _REFUSED, self.loop.time()
        self.pipeline.clear()
        if self.running is not None:
            self.running.keep_alive = False


def protocol(lobby: Lobby) -> type[Connection]:
    """The protocol of the server with this lobby."""
    return type("SihuConnection", (Connection,), {"lobby": lobby})
