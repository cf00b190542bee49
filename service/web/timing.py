"""The middleware that times requests by route template.

How long a request is held tells of the client's patience and not of the service's speed, so it is measured apart.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.metrics import Metrics
from service.web import routing, waiting

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Timed:
    """Middleware: counts and times every request. `timer` is a monotonic clock, in seconds."""

    def __init__(self, app: ASGIApp, metrics: Metrics, timer: Callable[[], float]) -> None:
        self._app = app
        self._metrics = metrics
        self._timer = timer
        self._series: dict[tuple[str, str, int, bool], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0  # stays so when the client went away before there was an answer

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = self._timer()
        try:
            await self._app(scope, receive, watch)
        except Exception:
            status = 500
            raise
        finally:
            self._series_of(scope, status).observe(self._timer() - began)

    def _series_of(self, scope: Scope, status: int) -> Histogram:
        """Kept here: prometheus_client's own look-up by labels costs more than all else in this file."""
        key = scope["method"], routing.template(scope), status, waiting.was_held(scope)
        series = self._series.get(key)
        if series is None:
            method = key[0] if key[0] in _METHODS else "other"
            histogram = self._metrics.held_requests if key[3] else self._metrics.requests
            series = histogram.labels(method, key[1], str(status))
            if method != "other":  # invented methods are not kept, or the table would grow without end
                self._series[key] = series
        return series
