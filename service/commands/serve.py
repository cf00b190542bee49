"""`sihu serve`: a server on the chosen database and clock, with a clean end on Ctrl-C or SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging

import uvicorn

from service import clock as clocks
from service.commands import sample
from service.commands.database import database_url, on_database
from service.main import create_app
from service.settings import EngineMode, Settings
from service.store import migrate

_DRAIN_S = 10
"""How long open requests may still take after the server has been told to stop."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sihu serve`."""
    parser.add_argument("--host", help="default 127.0.0.1")
    parser.add_argument("--port", type=int, help="default 8000")
    modes = [mode.value for mode in EngineMode]
    parser.add_argument("--engine", choices=modes, help="on: serve and fire; off: serve; only: fire")
    parser.add_argument(
        "--virtual-clock",
        nargs="?",
        const="now",
        metavar="TIME",
        help="for trials: time stands still until POST /v1/clock/advance; starts at TIME (RFC 3339)",
    )
    parser.add_argument("--demo", action="store_true", help="import the Haizhu sample, make demo keys, print the story")
    parser.set_defaults(command=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Serve until a signal ends it. The embedded database, or the demo's, is migrated first; the operators of any other
    database run `sihu migrate` themselves."""
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    for chatty in ("apscheduler", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    with database_url(settings) as url:
        chosen = settings.model_copy(update={"database_url": url})
        if settings.database_url is None or arguments.demo:
            asyncio.run(on_database(url, migrate.upgrade))
        if arguments.demo:
            asyncio.run(sample.prepare(chosen))
        settle_memory()
        config = uvicorn.Config(
            create_app(chosen, clocks.of(settings.virtual_clock)),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_DRAIN_S,
            loop="uvloop",
            http="httptools",
        )
        uvicorn.Server(config).run()
    return 0


def settle_memory() -> None:
    """Tell the garbage collector that what is loaded by now stays, and make it look less often afterwards.

    A sweep makes and drops objects by the hundred thousand, none of them in a cycle: a collector that looks at every
    700 of them takes a third of the sweep's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
