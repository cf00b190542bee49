"""What Prometheus reads at /metrics, and the middleware that times requests by route template."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.web import routing

_REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)
_LATE_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 60, 600, 3600)
_GROUP = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Metrics:
    """The service's metrics, one registry an app. Gauges may be set, or given a function that is asked at each read."""

    registry: CollectorRegistry
    requests: Histogram
    fired: Counter
    put_aside: Counter
    lateness_s: Histogram
    intake: Histogram
    sealer_lag_s: Gauge
    feed_position: Gauge
    engine_lag_s: Gauge
    faults: Counter

    def swept(self, fired: int, put_aside: int, lateness: Iterable[float]) -> None:
        """One turn of the engine; `lateness` in seconds, one a firing."""
        self.fired.inc(fired)
        self.put_aside.inc(put_aside)
        for late_s in lateness:
            self.lateness_s.observe(late_s)

    def intake_group(self, size: int) -> None:
        """One transaction of the intake stored `size` reports."""
        self.intake.observe(size)

    def fault(self, where: str) -> None:
        """Something failed that should not: `where` is a room's name, such as engine, tail, intake, http."""
        self.faults.labels(where).inc()


def new() -> Metrics:
    """Fresh metrics in a registry of their own."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return Metrics(
        registry=registry,
        requests=Histogram(
            "sihu_http_request_seconds",
            "Time from a request's head to the end of its answer; _count counts them",
            ("method", "route", "status"),
            buckets=_REQUEST_S,
            registry=registry,
        ),
        fired=Counter("sihu_deadlines_fired", "Deadlines the clock fired", registry=registry),
        put_aside=Counter("sihu_sweep_put_aside", "Rows put aside because they could not be swept", registry=registry),
        lateness_s=Histogram(
            "sihu_lateness_seconds", "How long after a deadline the clock fired", buckets=_LATE_S, registry=registry
        ),
        intake=Histogram("sihu_intake_group_size", "Reports stored together", buckets=_GROUP, registry=registry),
        sealer_lag_s=Gauge("sihu_sealer_lag_seconds", "Age of the oldest unnumbered event", registry=registry),
        feed_position=Gauge("sihu_feed_position", "Position of the last numbered event", registry=registry),
        engine_lag_s=Gauge("sihu_engine_lag_seconds", "How long the most overdue deadline is due", registry=registry),
        faults=Counter("sihu_faults", "Things that failed and should not", ("where",), registry=registry),
    )


def page(metrics: Metrics) -> Response:
    """The answer of GET /metrics."""
    return Response(generate_latest(metrics.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class Timed:
    """Middleware: counts and times every request. `timer` is a monotonic clock, in seconds."""

    def __init__(self, app: ASGIApp, metrics: Metrics, timer: Callable[[], float]) -> None:
        self._app = app
        self._metrics = metrics
        self._timer = timer
        self._series: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0  # stays so when the client went away before there was an answer

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = self._timer()
        try:
            await self._app(scope, receive, noting)
        except Exception:
            status = 500
            raise
        finally:
            self._series_of(scope, status).observe(self._timer() - began)

    def _series_of(self, scope: Scope, status: int) -> Histogram:
        """Kept here: prometheus_client's own look-up by labels costs more than all else in this file."""
        key = scope["method"], routing.template(scope), status
        series = self._series.get(key)
        if series is None:
            method = key[0] if key[0] in _METHODS else "other"
            series = self._metrics.requests.labels(method, key[1], str(status))
            if method != "other":  # invented methods are not kept, or the table would grow without end
                self._series[key] = series
        return series
