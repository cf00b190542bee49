"""`sihu serve` runs a server on the chosen database and clock. Ctrl-C or SIGTERM stops it cleanly."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import logging
import socket
from collections.abc import Sequence
from contextlib import closing
from typing import NoReturn

from service import clock as clocks
from service import logs, proc
from service import process as processes
from service.access import secret_keys
from service.access.secret_keys import KeySource
from service.clock import DatabaseClock
from service.commands import address, climbing, sample, serving
from service.commands.database import described, embedded_server, on_database, place
from service.commands.embedded import Caretaker
from service.commands.signals import StopSignals, leave
from service.main import ROOMS, create_app
from service.postgres import Server
from service.room import Room
from service.rules.errors import Unavailable
from service.settings import EngineMode, Settings, variable_of
from service.store import migrate, pooling
from service.store.database import Database
from service.store.migrate import Tables, WrongDatabase
from service.store.registry import rows
from service.web.lobby import Lobby

_log = logging.getLogger(__name__)

_OTHER_FILES = 100
"""Open files that are neither clients' nor connections to the database."""
_MIN_PLACES = 32
"""Clients that may be connected at once, however few files the system allows."""
_LOOK_S = 2
"""Seconds that the first look at a database may take; the server waits for it no longer."""


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
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _epilog()
    parser.set_defaults(command=run)


def _epilog() -> str:
    """Every setting on a line of its own, with its default."""
    lines = []
    for name, field in Settings.model_fields.items():
        default = "unset" if field.default is None else field.default
        lines.append(f"  {variable_of(name)} ({default}): {field.description}")
    return "\n".join(["settings, from the environment; an option goes before its setting:", *lines])


def run(settings: Settings, arguments: argparse.Namespace) -> NoReturn:
    """Serve until a signal stops the server. An embedded database, and with `--demo` any database, is migrated first;
    otherwise ops run `sihu migrate` themselves. The port is taken before anything is written or promised."""
    logs.install(settings.log_level, settings.log)
    if arguments.demo:
        sample.refuse_strangers(settings.host)
    signals = StopSignals()
    with signals.handled():
        # a signal that comes before the server runs is a KeyboardInterrupt, and no failure either
        with (
            contextlib.suppress(KeyboardInterrupt),
            closing(address.listen(settings.host, settings.port)) as listener,
            embedded_server(settings) as embedded,
        ):
            signals.run(_serve(settings, arguments, listener, embedded, signals))
        _log.info("stopped", extra={"event": "stopped"})
        leave(0)


async def _serve(
    settings: Settings,
    arguments: argparse.Namespace,
    listener: socket.socket,
    embedded: Server | None,
    signals: StopSignals,
) -> None:
    """Prepare the database and serve, until a signal comes. The embedded server is looked after meanwhile."""
    url = settings.database_url or (embedded.url() if embedded else "")
    prepare = _prepare_demo if arguments.demo else _prepare
    location = address.url_of(listener)
    prepared = await signals.unless_stopped(on_database(url, lambda database: prepare(settings, database, location)))
    if prepared is None:
        return
    text, rooms = prepared
    print(text, flush=True)
    settle_memory()
    clock = clocks.of(settings.virtual_clock)
    app = create_app(settings.model_copy(update={"database_url": url}), clock, (*ROOMS, *rooms))
    process = processes.of(app)
    places = max(_MIN_PLACES, proc.raise_open_files() - settings.pool_size - _OTHER_FILES)
    lobby = Lobby(clock, settings.trusted_proxies or (), places)
    care = asyncio.create_task(Caretaker(embedded, process.note_trouble).run()) if embedded else None
    await serving.server(app, process, lobby, signals).serve(sockets=[listener])
    if care is not None:
        care.cancel()


async def _prepare_demo(settings: Settings, database: Database, url: str) -> tuple[str, Sequence[Room]]:
    """Prepare the demo. Returns its banner, and the room of the sample call when an engine fires deadlines here."""
    demo = await sample.prepare(database, settings.data_dir.absolute())
    await _demand_secret_keys(settings, database)
    climbs = demo.climbs and settings.engine is EngineMode.ON and settings.virtual_clock is None
    installation = f"{await described(settings, database)} · {_mode(settings)}"
    rooms = (climbing.room(url, demo.keys_by_name["WORKER"]),) if climbs else ()
    return sample.banner(url, installation, demo, climbs=climbs), rooms


async def _prepare(settings: Settings, database: Database, url: str) -> tuple[str, Sequence[Room]]:
    """Look at the database, and migrate an embedded one. Returns a line about what is served, and no rooms.

    A database that cannot be reached, or that ops have yet to migrate, is no reason to stop: the process waits for it.
    Raises `WrongDatabase` for one that will never do, and `SecretKeysError` for one whose secret keys are not at hand.
    """
    if settings.database_url is None:
        await migrate.upgrade(database)
    try:
        async with asyncio.timeout(_LOOK_S):
            return f"sihu serves at {url} · {await _state(settings, database)}", ()
    except (TimeoutError, Unavailable) as error:
        cause = error.cause if isinstance(error, Unavailable) else f"no answer in {_LOOK_S} s"
        where = f"{place(settings)}, which cannot be reached yet ({cause})"
        return f"sihu serves at {url} · {where} · {_mode(settings)}", ()


async def _state(settings: Settings, database: Database) -> str:
    if await pooling.shares_sessions(database):
        raise WrongDatabase(pooling.ADVICE)
    found = await migrate.survey(database)
    if found.tables in (Tables.NONE, Tables.NEWER, Tables.FOREIGN, Tables.NOWHERE):
        raise WrongDatabase(found.advice)
    if not found.advice:
        await _demand_secret_keys(settings, database)
    state = [await described(settings, database), _mode(settings), found.advice or found.notice]
    async with database.read() as connection:
        if not await rows.unit_names(connection):
            state.append("registry empty: sihu registry import DIR")
    return " · ".join(filter(None, state))


async def _demand_secret_keys(settings: Settings, database: Database) -> None:
    clock = DatabaseClock()
    await clock.synchronise(database)
    await secret_keys.agreed(database, KeySource.of(settings), clock)


def _mode(settings: Settings) -> str:
    clock = "" if settings.virtual_clock is None else " · virtual clock"
    return f"engine {settings.engine}{clock}"


def settle_memory() -> None:
    """Make the garbage collector ignore what is loaded by now.

    No collection goes before: it would find sixty objects among 150,000, and take a tenth of the start.
    """
    gc.freeze()
