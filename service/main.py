"""`create_app`: the only wiring."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from service import clock as clocks
from service import health, metrics
from service.access import routes as access_routes
from service.access.gate import Gate
from service.appraisal import routes as appraisal_routes
from service.clock import Clock
from service.escalation import routes as clock_routes
from service.feed import event_routes
from service.incidents import action_routes, chain_routes
from service.incidents import routes as incident_routes
from service.process import Process
from service.queues import routes as queue_routes
from service.registry import duty_routes
from service.registry import routes as registry_routes
from service.registry.bundle import routes
from service.settings import EngineMode, Settings
from service.store.database import Database
from service.times import routes as time_routes
from service.web import docs, limits, openapi, problems

_ROUTERS = (
    queue_routes.router,  # first what is polled all day: routes are tried one after the other
    event_routes.router,
    incident_routes.router,
    action_routes.router,
    chain_routes.router,
    registry_routes.router,
    duty_routes.router,
    time_routes.router,
    routes.router,
    access_routes.router,
    appraisal_routes.router,
    clock_routes.router,
)


def create_app(settings: Settings, clock: Clock) -> FastAPI:
    """The service as an ASGI application. Its process starts and stops with the application's lifespan."""
    measured = metrics.new()
    database = Database(settings.database_url or "postgresql+asyncpg://nowhere/nowhere", pool_size=settings.pool_size)
    app = FastAPI(docs_url=None, redoc_url=None, lifespan=_lifespan)
    Process(settings, database, clock, measured, app.state)
    app.include_router(health.router)
    if settings.engine is not EngineMode.ONLY:
        for router in _ROUTERS:  # as they are: include_router makes each route anew, at somebody's first request
            app.router.routes.extend(router.routes)
        docs.install(app)
    problems.install(app)
    openapi.describe(app)
    app.add_middleware(limits.Limits)
    app.add_middleware(Gate)
    app.add_middleware(metrics.Timed, metrics=measured, timer=clocks.monotonic)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    process: Process = app.state.process
    await process.start()
    try:
        yield
    finally:
        await process.stop()
