"""A small app of this room: a context with a keyring, the gate, and refusals as problems."""

from __future__ import annotations

from fastapi import FastAPI

from service import metrics
from service.access.gate import Gate
from service.access.identify import API
from service.access.keyring import Keyring
from service.clock import VirtualClock
from service.context import Context
from service.store.database import Database
from service.store.log.writing import Committed
from service.web import openapi, problems
from service.web.cursors import Cursors
from service.worlds import CurrentWorld
from tests.access.worlds import NOW, world


def context_of(database: Database, committed: list[Committed] | None = None) -> Context:
    """A context without a tail: `committed` gets what it would be told."""
    worlds = CurrentWorld()
    worlds.world = world()
    heard = [] if committed is None else committed
    return Context(
        database=database,
        worlds=worlds,
        clock=VirtualClock(NOW),
        metrics=metrics.new(),
        cursors=Cursors(b"s" * 32),
        tell=heard.append,
        parts={Keyring: Keyring(database)},
    )


def make(context: Context) -> FastAPI:
    """Add the routes, then call `finish`."""
    app = FastAPI()
    app.state.context = context
    problems.install(app, (API,))
    app.add_middleware(Gate, doors=(API,))
    return app


def finish(app: FastAPI) -> FastAPI:
    openapi.describe(app, (API,))
    return app
