"""`/healthz`, `/readyz` and `/metrics`, for load balancers, Prometheus and ops on call. They need no key."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from service.process import CurrentProcess, Process
from service.rules.errors import Unavailable
from service.rules.worktime import ZONE
from service.store import migrate
from service.store.incidents import claiming
from service.web.answers import answer

router = APIRouter(tags=["health · 健康"])

_OK: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": {"status": "ok"}}}}}
_READY = {
    "status": "ready",
    "checks": {
        "database": {"ok": True},
        "migrations": {"ok": True},
        "calendar": {"ok": True, "calendar": "cn", "covered_until": 2026},
        "feed": {"ok": True, "lag_s": 0.0},
        "engine": {"ok": True, "overdue_s": 0.0, "promise_s": 5.0},
        "registry": {"ok": True, "version": 2},
    },
}
_READYZ: dict[int | str, dict[str, Any]] = {
    200: {"description": "ready, or degraded", "content": {"application/json": {"example": _READY}}},
    503: {
        "description": "unavailable: send no traffic",
        "content": {
            "application/json": {
                "example": {
                    "status": "unavailable",
                    "checks": {"database": {"ok": False, "detail": "cannot be reached"}},
                }
            }
        },
    },
}


@router.get("/healthz", summary="Is the process alive? · 存活", responses=_OK)
async def healthz() -> Response:
    """Answers 200 as long as the process runs; the database is not looked at, and no key is needed. Restart the process
    when this request fails, and only then."""
    return answer({"status": "ok"})


@router.get("/readyz", summary="Can the process do its work? · 就绪", responses=_READYZ)
async def readyz(process: CurrentProcess) -> Response:
    """200 `ready`: send traffic. 200 `degraded`: the process serves, but one check is not ok: a deadline is overdue or
    the feed lags by more than `promise_s`, the working days of this year are not known, or no registry was imported.
    503 `unavailable`: send no traffic, since the database cannot be reached, its tables are those of an older version,
    or the process is still starting. No key is needed."""
    checks = await checks_of(process)
    if not (checks["database"]["ok"] and checks.get("migrations", {}).get("ok")):
        return answer({"status": "unavailable", "checks": checks}, 503, {"Retry-After": "1"})
    fine = all(check["ok"] for check in checks.values())
    return answer({"status": "ready" if fine else "degraded", "checks": checks})


@router.get("/metrics", summary="Metrics for Prometheus · 指标", response_class=Response)
async def read_metrics(process: CurrentProcess) -> Response:
    """Everything that the process counts and measures, in Prometheus's text format 0.0.4. No key is needed."""
    process.metrics.feed_position.set(process.tail.position)
    process.metrics.sealer_lag_s.set(process.tail.lag_s)
    return Response(process.metrics.page(), media_type=CONTENT_TYPE_PLAIN_0_0_4)


def _calendar(process: Process) -> dict[str, Any]:
    """Whether the calendar of the policy in force knows the working days of this year."""
    now, world = process.clock.now(), process.worlds.world
    policy = world.active(now)
    if policy is None or policy.hours is None:
        return {"ok": True, "detail": "every clock is continuous"}
    covered = world.calendars[policy.hours].covered_years
    year = now.astimezone(ZONE).year
    until = {"calendar": policy.hours.calendar, "covered_until": max(covered, default=None)}
    if year in covered:
        return {"ok": True, **until}
    return {"ok": False, **until, "detail": f"the days of {year} are not known: sihu calendar load"}


async def checks_of(process: Process) -> dict[str, dict[str, Any]]:
    """Each check by its name: `ok`, and what was found. Only the first checks are there when the others cannot be
    made."""
    try:
        if await migrate.pending(process.database):
            advice = (await migrate.survey(process.database)).advice
            return {"database": {"ok": True}, "migrations": {"ok": False, "detail": advice}}
        async with process.database.read() as connection:
            nearest = await claiming.next_wake(connection)
    except Unavailable as error:
        return {"database": {"ok": False, "detail": error.detail}}
    if not process.ready.is_set():
        return {"database": {"ok": True}, "migrations": {"ok": False, "detail": "starting"}}
    overdue_s = max(0.0, (process.clock.now() - nearest).total_seconds()) if nearest else 0.0
    process.metrics.engine_lag_s.set(overdue_s)
    promise_s = process.settings.promise_s
    lag_s, version = process.tail.lag_s, process.worlds.world.version
    return {
        "database": {"ok": True},
        "migrations": {"ok": True},
        "calendar": _calendar(process),
        "feed": {"ok": lag_s <= promise_s, "lag_s": round(lag_s, 3)},
        "engine": {"ok": overdue_s <= promise_s, "overdue_s": round(overdue_s, 3), "promise_s": promise_s},
        "registry": {"ok": bool(process.worlds.world.units), "version": version},
    }
