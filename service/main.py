"""`create_app` puts the service together from its rooms. No other module knows all of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.types import Scope

from service import clock as clocks
from service import front, health
from service import process as processes
from service.access import room as access
from service.access.gate import Gate
from service.access.refusals import Refusals
from service.appraisal import room as appraisal
from service.clock import Clock
from service.escalation import room as escalation
from service.feed import room as feed
from service.incidents import room as incidents
from service.process import Process
from service.queues import room as queues
from service.registry import room as registry
from service.room import Room
from service.settings import EngineMode, Settings
from service.sign_on import room as sign_on
from service.times import room as times
from service.web import docs, every_answer, limits, openapi, problems, routing, share_limits, timing
from service.web.request_log import RequestLog

ROOMS = (
    queues.ROOM,  # first, since clients poll it all day and routes are tried in this order
    feed.ROOM,
    incidents.ROOM,
    registry.ROOM,
    times.ROOM,
    appraisal.ROOM,
    escalation.ROOM,
    sign_on.ROOM,
    access.ROOM,  # last, since its keyring lets requests in once it is loaded: all other parts are loaded by then
)


def create_app(settings: Settings, clock: Clock, rooms: Sequence[Room] = ROOMS) -> FastAPI:
    """The service as an ASGI application. Its process starts and stops with the application's lifespan."""
    process = Process(settings, clock, rooms)
    doors = tuple(dict.fromkeys(room.door for room in rooms))
    # FastAPI would ask at each request whether anybody collects its traces; what is measured here is in `metrics`
    silent: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=_lifespan, telemetry=silent)
    app.state.process, app.state.context = process, process.context
    app.router.routes.extend(health.router.routes)  # include_router would build each route again at its first request
    if settings.engine is not EngineMode.ONLY:
        for router in [router for room in rooms for router in room.routers]:
            app.router.routes.extend(router.routes)
        app.router.routes.extend(front.router.routes)
        docs.install(app)
    problems.install(app, doors, lambda error: process.metrics.fault("http", error))
    table = routing.install(app, doors)
    openapi.describe(app, doors, lambda: {name: each for room in rooms for name, each in room.event_shapes().items()})
    posts = {path: each for room in rooms for path, each in room.limits.items()}
    app.add_middleware(limits.Limits, doors=doors, posts=posts)
    app.add_middleware(share_limits.ShareLimits, doors=doors, wakeups=process.wakeups)
    app.add_middleware(Gate, doors=doors)
    log = app.state.log = RequestLog(clocks.monotonic, table.template_of)
    app.add_middleware(timing.Timed, metrics=process.metrics, timer=clocks.monotonic, note=_noting(log, process))
    every_answer.install(app, clock)
    return app


def _noting(log: RequestLog, process: Process) -> timing.Note:
    """What is done with each request that was a write or was refused: it is logged, and a refusal is counted."""
    refusals = process.context.part(Refusals)

    def note(scope: Scope, status: int, headers: Iterable[tuple[bytes, bytes]], seconds: float) -> None:
        log.note(scope, status, headers, seconds)
        if status >= 400:
            refusals.note(scope, status, log.route_of(scope))

    return note


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    process = processes.of(app)
    await process.start()
    try:
        yield
    finally:
        await process.stop()
        app.state.log.finish()
