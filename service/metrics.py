"""The metrics of the service, for Prometheus.

A metric is of this process unless its help says that it is of the deployment: then every process shows the same figure,
and a sum over the processes means nothing.
"""

from __future__ import annotations

import collections
import platform
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

from service.rules.decisions import AnyDecision
from service.rules.model import Call

_REQUEST_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30)
_HELD_S = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 75)
_LATE_S = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 30, 60, 600, 3600)
_OF_REQUEST = ("method", "route", "status")
_GROUP = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_COUNTED = "_sihu_counted"
"""The attribute that marks an exception as counted."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The metrics of one process. A gauge is set, or reads a function at each scrape."""

    registry: CollectorRegistry
    requests: Histogram
    held_requests: Histogram
    held_now: Gauge
    fired: Counter
    backed_off: Counter
    lateness_s: Histogram
    intake: Histogram
    feed_lag_s: Gauge
    feed_position: Gauge
    engine_lag_s: Gauge
    faults: Counter
    database_faults: Counter
    refused: Counter
    calls: Counter
    reveals: Counter
    put_aside: Gauge
    oldest_due_s: Gauge
    open_incidents: Gauge
    gauges_age_s: Gauge
    calendar_days_left: Gauge
    clock_offset_s: Gauge
    log_room: Gauge

    def swept(self, fired: int, backed_off: int, lateness: Iterable[float]) -> None:
        """Count one turn of the engine. `lateness`: for each missed call, the seconds from its deadline to its
        firing."""
        self.fired.inc(fired)
        self.backed_off.inc(backed_off)
        for late_s in lateness:
            self.lateness_s.observe(late_s)

    def calls_ended(self, decisions: Iterable[AnyDecision]) -> None:
        """Count the calls that these decisions, which are committed, have ended."""
        ended = collections.Counter(
            (call.level, call.cause, call.outcome) for each in decisions for call in _ended(each)
        )
        for (level, cause, outcome), count in ended.items():
            self.calls.labels(level.value, cause, outcome).inc(count)

    def intake_group(self, size: int) -> None:
        """Count one transaction of the intake, of `size` reports."""
        self.intake.observe(size)

    def fault(self, where: str, error: BaseException) -> None:
        """Count an error that should not happen. `where` names the part that met it, such as engine, tail, intake or
        http. An error that passes through several parts is counted once, where it was met first."""
        if not getattr(error, _COUNTED, False):
            setattr(error, _COUNTED, True)
            self.faults.labels(where).inc()

    def database_fault(self, sqlstate: str) -> None:
        """Count an error of the database that is no fault of a statement: by its SQLSTATE, or, where it has none, by
        what was waited for."""
        self.database_faults.labels(sqlstate).inc()

    def page(self) -> bytes:
        """All metrics in Prometheus's text format 0.0.4."""
        return generate_latest(self.registry)


def _ended(decision: AnyDecision) -> Iterator[Call]:
    """The call that was open before a decision and is not any more. One that had ended before is not counted again when
    it is rated or appealed against."""
    open_call = decision.before.call if decision.before is not None else None
    if open_call is not None and open_call.outcome is None:
        yield from (each for each in decision.changed if each.seq == open_call.seq and each.outcome is not None)


def new(version: str = "0.0.0") -> Metrics:
    """New metrics, at zero, in a Prometheus registry of their own."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Gauge("sihu_build_info", "What runs here; always 1", ("version", "python"), registry=registry)
    build.labels(version, platform.python_version()).set(1)
    return Metrics(
        registry=registry,
        requests=Histogram(
            "sihu_http_request_seconds",
            "Time from a request's head to the end of its answer, for requests that were not held; _count counts them",
            _OF_REQUEST,
            buckets=_REQUEST_S,
            registry=registry,
        ),
        held_requests=Histogram(
            "sihu_http_held_request_seconds",
            "Time from a request's head to the end of its answer, for requests that were held for a change (wait=)",
            _OF_REQUEST,
            buckets=_HELD_S,
            registry=registry,
        ),
        held_now=Gauge("sihu_held_requests", "Requests that are held for a change at this moment", registry=registry),
        lateness_s=_lateness(registry),
        intake=Histogram("sihu_intake_group_size", "Reports stored together", buckets=_GROUP, registry=registry),
        feed_lag_s=Gauge("sihu_feed_lag_seconds", "Age of the oldest event without a number", registry=registry),
        feed_position=Gauge("sihu_feed_position", "Position of the last numbered event", registry=registry),
        engine_lag_s=Gauge("sihu_engine_lag_seconds", "How long the most overdue deadline is due", registry=registry),
        **_counters(registry),
        **_gauges(registry),
    )


def _counters(registry: CollectorRegistry) -> dict[str, Any]:
    """The counters, by their fields."""
    described: dict[str, tuple[str, str, tuple[str, ...]]] = {
        "fired": ("sihu_deadlines_fired", "Deadlines the clock fired", ()),
        "backed_off": ("sihu_sweep_put_aside", "Rows not swept, left for a later turn", ()),
        "faults": ("sihu_faults", "Things that failed and should not", ("where",)),
        "database_faults": ("sihu_database_faults", "Times it could not serve", ("sqlstate",)),
        "refused": ("sihu_refused", "Requests that were refused, by code", ("code",)),
        "calls": ("sihu_calls", "Calls that ended", ("level", "cause", "outcome")),
        "reveals": ("sihu_reveals", "Contacts that were shown in full", ("role",)),
    }
    return {field: Counter(*described_as, registry=registry) for field, described_as in described.items()}


def _lateness(registry: CollectorRegistry) -> Histogram:
    described = "sihu_deadline_lateness_seconds", "How long after a deadline the clock fired"
    return Histogram(*described, buckets=_LATE_S, registry=registry)


def _gauges(registry: CollectorRegistry) -> dict[str, Any]:
    """The gauges of the deployment and of the clock, by their fields."""
    described = {
        "oldest_due_s": (
            "sihu_oldest_due_seconds",
            "Of the deployment: how long the most overdue open incident of a level is overdue; 0 when none is",
            ("level",),
        ),
        "put_aside": (
            "sihu_put_aside",
            "Of the deployment: incidents that could not be swept and wait for another try; `sihu doctor` names them",
            (),
        ),
        "open_incidents": ("sihu_open_incidents", "Of the deployment: incidents that are not closed", ("level",)),
        "gauges_age_s": ("sihu_gauges_age_seconds", "How long ago the gauges of the deployment were read", ()),
        "calendar_days_left": (
            "sihu_calendar_days_left",
            "Of the deployment: days until one that the calendar of the policy in force does not know; +Inf: it needs "
            "none",
            (),
        ),
        "log_room": (
            "sihu_log_room_batches",
            "Of the deployment: transactions for which the tables of the log have room; more is made by itself",
            (),
        ),
        "clock_offset_s": (
            "sihu_clock_offset_seconds",
            "By how much the database's clock, which is the service's, is ahead of the wall clock of this host",
            (),
        ),
    }
    return {field: Gauge(*described_as, registry=registry) for field, described_as in described.items()}
