"""Real PostgreSQL for every test that wants one: one server a run, a cloned database a test."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from service import postgres
from service.clock import VirtualClock
from service.commands import sample as demo
from service.commands.serve import settle_memory
from service.main import create_app
from service.registry.bundle import importing
from service.registry.bundle.files import read_folder
from service.rules.model import By
from service.settings import Settings
from service.store import migrate
from service.store.database import Database
from tests.house import START, House
from tests.processes.servers import let_all_in
from tests.wire.checker import Checker
from tests.wire.personal import SentPersons
from tests.wire.watching import watched

# what a shell runs beside itself ignores SIGINT, and under nohup SIGHUP; so would everything that a test starts
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# no test writes a file of keys into the folder from which it is started, unless it means to
os.environ.setdefault("SIHU_SECRET_KEY", base64.b64encode(bytes(range(32))).decode())

hypothesis.settings.register_profile("sihu", deadline=None)  # a busy machine is no fault of the code's
# a mutant is to fail, not to fail in the fewest words
hypothesis.settings.register_profile(
    "mutants", deadline=None, phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate), print_blob=False
)
hypothesis.settings.load_profile("sihu")

_QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "200"}
_SHM, _ROOM = "/dev/shm", 4 * 2**30
CONTINUOUS = Path(__file__).parent / "continuous.yaml"
WIDE = b"quota: {reports: 100000, urgent: 100000}\n"
"""What a policy says where a test reports as much as it likes."""
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def wire() -> Iterator[SentPersons]:
    """Every answer that a test receives from the service has to be one that the document describes, and shows nothing
    of persons that nobody may read in it."""
    checker, sent = Checker(create_app(Settings(), VirtualClock(START)).openapi()), SentPersons()
    with watched(checker, sent):
        yield sent


@pytest.fixture(autouse=True)
def sent_persons(wire: SentPersons) -> SentPersons:
    """What this test has sent of persons: so far nothing."""
    wire.forget()
    return wire


@pytest.fixture(scope="session")
def server() -> Iterator[URL]:
    """A server whose databases are ours: TEST_DATABASE_URL, or an embedded one (of SIHU_PG_BIN, where that is set)."""
    given, bin_dir = os.environ.get("TEST_DATABASE_URL"), os.environ.get("SIHU_PG_BIN")
    if given:
        yield make_url(given)
        return
    with tempfile.TemporaryDirectory(prefix="sihu-tests-", dir=_in_memory()) as folder:
        running = postgres.start(Path(folder) / "pg", bin_dir=Path(bin_dir) if bin_dir else None, settings=_QUICK)
        let_all_in(running)
        try:
            yield make_url(running.url("postgres"))
        finally:
            running.stop()


def _in_memory() -> str | None:
    """Where files cost nothing, if there is room: making a database is four hundred of them, a thousand times a run."""
    return _SHM if Path(_SHM).is_dir() and shutil.disk_usage(_SHM).free >= _ROOM else None


@pytest.fixture(scope="session")
def templates(server: URL) -> Iterator[dict[str, str]]:
    """Databases to clone: `empty` is migrated, `haizhu` holds the sample registry under continuous clocks and without
    the shapes of its cells (reading them takes longer than most tests), `office` the sample as it is shipped."""
    mark = f"{os.getpid()}"
    names = {name: f"sihu_{name}_{mark}" for name in ("empty", "haizhu", "office")}
    asyncio.run(_on(server, f'CREATE DATABASE "{names["empty"]}"'))
    asyncio.run(_with(server, names["empty"], lambda database: migrate.upgrade(database)))
    sample = read_folder(demo.SAMPLE)
    plain = {name: content for name, content in sample.items() if name != "cells.geojson"}
    for name, files in (("haizhu", {**plain, "policy.yaml": CONTINUOUS.read_bytes() + WIDE}), ("office", sample)):
        asyncio.run(_on(server, f'CREATE DATABASE "{names[name]}" TEMPLATE "{names["empty"]}"'))
        asyncio.run(_with(server, names[name], partial(_import, files=files)))
    yield names
    for name in names.values():
        asyncio.run(_on(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _import(database: Database, files: Mapping[str, bytes]) -> None:
    report = await importing.import_bundle(database, files, START, By("ops", "tests"), dry_run=False)
    assert not report.faults


async def _with(server: URL, name: str, work: Callable[[Database], Awaitable[None]]) -> None:
    database = Database(_url(server, name), pool_size=2)
    try:
        await work(database)
    finally:
        await database.close()


async def _on(server: URL, statement: str) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    async with engine.connect() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


def _url(server: URL, name: str) -> str:
    return server.set(database=name).render_as_string(hide_password=False)


def clone(server: URL, template: str) -> Iterator[str]:
    """The URL of a database of its own, dropped afterwards."""
    name = f"sihu_{os.getpid()}_{next(_numbers)}"
    asyncio.run(_on(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    yield _url(server, name)
    asyncio.run(_on(server, f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture
def bare_url(server: URL) -> Iterator[str]:
    """A database without tables."""
    yield from clone(server, "template1")


@pytest.fixture
def database_url(server: URL, templates: dict[str, str]) -> Iterator[str]:
    """A migrated database with an empty registry."""
    yield from clone(server, templates["empty"])


@pytest.fixture
def haizhu_url(server: URL, templates: dict[str, str]) -> Iterator[str]:
    """A migrated database with the Haizhu sample."""
    yield from clone(server, templates["haizhu"])


@pytest.fixture
def twin_url(server: URL, templates: dict[str, str]) -> Iterator[str]:
    """Another one as `haizhu_url` is."""
    yield from clone(server, templates["haizhu"])


@pytest.fixture
def office_url(server: URL, templates: dict[str, str]) -> Iterator[str]:
    """A migrated database with the Haizhu sample as it is shipped: working time, warnings."""
    yield from clone(server, templates["office"])


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = Database(database_url, pool_size=8)
    yield database
    await database.close()


@pytest.fixture
async def haizhu(haizhu_url: str) -> AsyncIterator[Database]:
    database = Database(haizhu_url, pool_size=8)
    yield database
    await database.close()


@pytest.fixture
async def office(office_url: str) -> AsyncIterator[Database]:
    database = Database(office_url, pool_size=8)
    yield database
    await database.close()


@pytest.fixture
async def house(haizhu_url: str) -> AsyncIterator[House]:
    """The whole service on the Haizhu sample and the virtual clock, with people to act."""
    async for each in _inhabited(haizhu_url):
        yield each


@pytest.fixture
async def twin(twin_url: str) -> AsyncIterator[House]:
    """A second house as `house` is, to live through the same reports beside it."""
    async for each in _inhabited(twin_url):
        yield each


@pytest.fixture
async def shipped(office_url: str) -> AsyncIterator[House]:
    """The same on the sample as it is shipped: working time, warnings, shapes of cells."""
    async for each in _inhabited(office_url):
        yield each


@pytest.fixture
async def unregistered(database_url: str) -> AsyncIterator[House]:
    """The same with an empty registry."""
    async for each in _inhabited(database_url):
        yield each


async def _inhabited(url: str) -> AsyncIterator[House]:
    app = create_app(Settings(database_url=url, virtual_clock=START), VirtualClock(START))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        house = House(app)
        yield house
        await house.close()


def pytest_collection_finish() -> None:
    """As a process that serves: what is loaded by now stays, and the collector need not look at it again and again."""
    settle_memory()
