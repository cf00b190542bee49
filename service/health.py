"""`/healthz`, `/readyz` and `/metrics`, for load balancers, Prometheus and ops on call. They need no key."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NotRequired, cast

from fastapi import Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.gauges import Gauges
from service.process import CurrentProcess, Process
from service.rules.errors import Unavailable, ValidationFailed
from service.rules.worktime import ZONE
from service.store import migrate
from service.store.database import StatementRefused
from service.store.incidents import claiming
from service.store.incidents.claiming import PutAside
from service.store.sqlstates import cause_of
from service.web import problems
from service.web.answers import Answer, answer
from service.web.examples import ok
from service.web.router import Router

router = Router(tags=["operations"])


class HealthView(TypedDict):
    """The process runs."""

    status: Literal["ok"]


class CheckView(TypedDict):
    """One check. `detail` says what is wrong, and what to do."""

    ok: bool
    detail: NotRequired[str]


class DatabaseCheck(CheckView):
    """Whether the database answers, and takes writes. `detail` has its own words; `faults` counts, by cause, how often
    it could not serve since the process has started."""

    faults: NotRequired[dict[str, int]]


class CalendarCheck(CheckView):
    """Whether the working days of this year are known; `covered_until` is the last year of which every day is."""

    calendar: NotRequired[str]
    covered_until: NotRequired[int | None]


class FeedCheck(CheckView):
    """Whether events come into the feed in time; `lag_s` is how late the latest is."""

    lag_s: float


class EngineCheck(CheckView):
    """Whether deadlines fire in time; `overdue_s` is how late the latest one is, and `put_aside` how many incidents
    could not be swept and wait for another try."""

    overdue_s: float
    promise_s: float
    put_aside: int


class RegistryCheck(CheckView):
    """Whether a registry was imported, and how often it changed."""

    version: int


class ChecksView(TypedDict):
    """The checks, as far as they could be made."""

    database: DatabaseCheck
    migrations: NotRequired[CheckView]
    calendar: NotRequired[CalendarCheck]
    feed: NotRequired[FeedCheck]
    engine: NotRequired[EngineCheck]
    registry: NotRequired[RegistryCheck]


class ReadinessView(TypedDict):
    """Whether to send traffic, and what each check found."""

    status: Literal["ready", "degraded", "unavailable"]
    checks: ChecksView


_READY: ReadinessView = {
    "status": "ready",
    "checks": {
        "database": {"ok": True},
        "migrations": {"ok": True},
        "calendar": {"ok": True, "calendar": "cn", "covered_until": 2026},
        "feed": {"ok": True, "lag_s": 0.0},
        "engine": {"ok": True, "overdue_s": 0.0, "promise_s": 5.0, "put_aside": 0},
        "registry": {"ok": True, "version": 2},
    },
}
_UNAVAILABLE: ReadinessView = {
    "status": "unavailable",
    "checks": {"database": {"ok": False, "detail": "the database system is shutting down", "faults": {"away": 3}}},
}
_MAX_LOOK_S = 0.9
_REFUSED = problems.documented(ValidationFailed)
_OK: dict[int | str, dict[str, Any]] = {200: ok("The process runs", {"status": "ok"}), **_REFUSED}
_READYZ: dict[int | str, dict[str, Any]] = {
    200: ok("ready, or degraded", _READY),
    503: ok("unavailable: send no traffic", _UNAVAILABLE),
    **_REFUSED,
}


_METRICS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "every metric with its help",
        "content": {"text/plain": {"schema": {"type": "string"}, "example": "sihu_deadlines_fired_total 0.0\n"}},
    }
}


@router.get("/healthz", summary="Is the process alive? · 存活", responses=_OK)
async def check_health() -> Answer[HealthView]:
    """Answers 200 as long as the process runs; the database is not looked at, and no key is needed. Restart the process
    when this request fails, and only then."""
    return answer({"status": "ok"})


@router.get("/readyz", summary="Can the process do its work? · 就绪", responses=_READYZ)
async def check_readiness(process: CurrentProcess) -> Answer[ReadinessView]:
    """200 `ready`: send traffic. 200 `degraded`: the process serves, but one check is not ok: a deadline is overdue or
    the feed lags by more than `promise_s`, an incident cannot be swept, the working days of this year are not known, or
    no registry was imported. 503 `unavailable`: send no traffic, since the database cannot be reached or takes no
    writes, its tables are those of an older version (or of a newer one that this program does not fit), or the process
    is starting or stopping. The answer comes within a second, also when the database does not answer. No key is
    needed."""
    view = await readiness(process)
    if view["status"] == "unavailable":
        return answer(view, 503, {"Retry-After": "1"})
    return answer(view)


async def readiness(process: Process) -> ReadinessView:
    """Whether the process can do its work, and what each check found."""
    outages = process.lanes.outages
    try:
        checks = cast("ChecksView", await process.look.within(_MAX_LOOK_S, lambda: _checks(process)))
    except TimeoutError:
        words = [f"no answer within {_MAX_LOOK_S} s", *outages.present()]
        checks = {"database": {"ok": False, "detail": "; ".join(words)}}
    if outages.counts:
        checks["database"]["faults"] = {trouble.value: count for trouble, count in outages.counts.items()}
    if "migrations" not in checks or not checks["migrations"]["ok"]:
        return {"status": "unavailable", "checks": checks}
    fine = all(check["ok"] for check in cast("Mapping[str, CheckView]", checks).values())
    return {"status": "ready" if fine else "degraded", "checks": checks}


@router.get("/metrics", summary="Metrics for Prometheus · 指标", response_class=Response, responses=_METRICS)
async def read_metrics(process: CurrentProcess) -> Response:
    """Everything that the process counts and measures, in Prometheus's text format 0.0.4. The answer never waits for
    the database: figures that come from it are at most a little older, and say how old. No key is needed."""
    process.context.part(Gauges).scrape()
    return Response(process.metrics.page(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _calendar(process: Process) -> CalendarCheck:
    """Whether the calendar of the policy in force knows the working days of this year."""
    now, world = process.clock.now(), process.worlds.world
    policy = world.active(now)
    if policy is None or policy.hours is None:
        return {"ok": True, "detail": "every clock is continuous"}
    covered = world.calendars[policy.hours].covered_years
    year = now.astimezone(ZONE).year
    check: CalendarCheck = {
        "ok": year in covered,
        "calendar": policy.hours.calendar,
        "covered_until": max(covered, default=None),
    }
    if not check["ok"]:
        check["detail"] = f"the days of {year} are not known: sihu calendar load"
    return check


def _engine(process: Process, nearest: datetime | None, put_aside: PutAside) -> EngineCheck:
    """Whether every deadline fires in time. One that cannot be fired is moved out of the engine's way and is no less
    overdue."""
    now, promise_s = process.clock.now(), process.settings.promise_s
    overdue_s = max((now - at).total_seconds() for at in (nearest or now, put_aside.oldest_due_at or now, now))
    process.metrics.engine_lag_s.set(overdue_s)
    process.metrics.put_aside.set(put_aside.incidents)
    check: EngineCheck = {
        "ok": overdue_s <= promise_s and not put_aside.incidents,
        "overdue_s": round(overdue_s, 3),
        "promise_s": promise_s,
        "put_aside": put_aside.incidents,
    }
    if put_aside.incidents:
        check["detail"] = f"{put_aside.incidents} incidents cannot be swept: sihu doctor names them"
    return check


def _database(process: Process) -> DatabaseCheck:
    """A database that was reached, and the trouble that somebody else has with it at present."""
    present = [*process.lanes.outages.present()]
    return {"ok": False, "detail": "; ".join(present)} if present else {"ok": True}


async def _checks(process: Process) -> ChecksView:
    if process.is_stopping:
        return {"database": {"ok": True}, "migrations": {"ok": False, "detail": "stopping"}}
    try:
        await process.lanes.probe.demand_writes()
        found = await migrate.survey(process.lanes.probe)
        if found.advice:
            return {"database": {"ok": True}, "migrations": {"ok": False, "detail": found.advice}}
        async with process.lanes.probe.read() as connection:
            nearest = await claiming.next_wake(connection, process.start_of_sweeps)
            put_aside = await claiming.put_aside(connection)
    except Unavailable as error:
        known = process.trouble or "; ".join(process.lanes.outages.present())
        return {"database": {"ok": False, "detail": known or error.cause}}
    except StatementRefused as error:  # by tables that are not what their revision says
        return {"database": {"ok": False, "detail": cause_of(error)}}
    if not process.ready.is_set() and process.obstacle:
        return {"database": {"ok": False, "detail": process.obstacle}}
    if not process.ready.is_set():
        return {"database": {"ok": True}, "migrations": {"ok": False, "detail": "starting"}}
    engine = _engine(process, nearest, put_aside)
    promise_s = process.settings.promise_s
    lag_s, version = process.tail.lag_s, process.worlds.world.version
    return {
        "database": _database(process),
        "migrations": {"ok": True, "detail": found.notice} if found.notice else {"ok": True},
        "calendar": _calendar(process),
        "feed": {"ok": lag_s <= promise_s, "lag_s": round(lag_s, 3)},
        "engine": engine,
        "registry": {"ok": bool(process.worlds.world.units), "version": version},
    }
