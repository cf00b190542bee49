"""The middleware that counts and times requests by the template of their route, and hands them to the request log.

Requests that are held are measured apart: their time shows how long clients are willing to wait, not how fast the
service is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.metrics import Metrics
from service.web import request_log, routing, waiting

Note = Callable[[Scope, int, Iterable[tuple[bytes, bytes]], float], None]
"""A function that takes note of a request: its status (0: none was sent), the headers of its answer, its seconds."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Timed:
    """ASGI middleware that counts and times every request. `timer` is a monotonic clock, in seconds. `note` is called
    with every request that is to be a line of the log."""

    def __init__(self, app: ASGIApp, metrics: Metrics, timer: Callable[[], float], note: Note) -> None:
        self._app = app
        self._metrics = metrics
        self._timer = timer
        self._note = note
        self._series: dict[tuple[str, str, int, bool], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0  # stays 0 when the client hung up before the answer
        headers: Iterable[tuple[bytes, bytes]] = ()

        async def watch(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
            await send(message)

        began = self._timer()
        try:
            await self._app(scope, receive, watch)
        except Exception:
            status = 500
            raise
        finally:
            seconds, status = self._timer() - began, request_log.answered(scope, status)
            self._series_of(scope, status).observe(seconds)
            if request_log.has_line(scope, status):
                self._note(scope, status, headers, seconds)

    def _series_of(self, scope: Scope, status: int) -> Histogram:
        """The histogram for requests of this method, route and status. It is kept in a table here, since the look-up by
        labels in prometheus_client costs more than everything else in this file."""
        key = scope["method"], routing.template(scope), status, waiting.was_held(scope)
        series = self._series.get(key)
        if series is None:
            method = key[0] if key[0] in _METHODS else "other"
            histogram = self._metrics.held_requests if key[3] else self._metrics.requests
            series = histogram.labels(method, key[1], str(status))
            if method != "other":  # methods of no standard are not kept, or the table would never stop growing
                self._series[key] = series
        return series
