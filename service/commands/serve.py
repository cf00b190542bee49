"""`sihu serve` runs a server on the chosen database and clock. Ctrl-C or SIGTERM stops it cleanly."""

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
from service.web import unreadable

_DRAIN_S = 10
"""Seconds that open requests may still take after a signal to stop."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sihu serve`."""
    parser.add_argument("--host", help="default 127.0.0.1")
    parser.add_argument("--port", type=int, help="default 8000")
    modes = [mode.value for mode in EngineMode]
    parser.add_argument(
        "--engine", choices=modes, help="on: serve the API and fire deadlines; off: serve only; only: fire only"
    )
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
    """Serve until a signal stops the server. An embedded database, and with `--demo` any database, is migrated first;
    otherwise ops run `sihu migrate` themselves."""
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
        clock = clocks.of(settings.virtual_clock)
        config = uvicorn.Config(
            create_app(chosen, clock),
            host=settings.host,
            port=settings.port,
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=_DRAIN_S,
            loop="uvloop",
            http=unreadable.protocol(clock),
            ws="none",
            server_header=False,
        )
        uvicorn.Server(config).run()
    return 0


def settle_memory() -> None:
    """Make the garbage collector ignore what is loaded by now, and run less often from now on.

    A sweep makes and drops hundreds of thousands of objects, none of them in a cycle. With Python's default, a
    collection after every 700 new objects, the collector takes a third of the sweep's time.

    No collection goes before: it would find sixty objects among 150,000, and take a tenth of the start.
    """
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
