"""A process comes up when its database does, runs its parts in order, and stops them in reverse."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from service import process as processes
from service.access.bearer_token import KnownTokens
from service.access.identify import API
from service.access.key_use import KeyUse
from service.access.key_watch import KeyWatch
from service.access.keyring import Keyring
from service.access.refusals import Refusals
from service.access.sessions import OpenSessions
from service.clock import DatabaseClock, VirtualClock
from service.context import Context, Part
from service.engine import Engine
from service.escalation.advance import Advancer
from service.feed.newest import Newest
from service.feed.old_words import OldWords
from service.feed.tail import Tail
from service.incidents.intake import Intake
from service.main import ROOMS
from service.process import Process
from service.room import Room
from service.rules.errors import Unavailable
from service.rules.sentences import Sentence
from service.rules.words import EventType
from service.settings import EngineMode, Settings
from service.sign_on.attempts import FailedSignIns
from service.store import migrate
from service.store.database import Database
from service.store.log import writing
from service.store.log.writing import Entry
from service.times.room import CalendarWatch
from tests.house import START

pytestmark = pytest.mark.anyio

Log = list[tuple[str, str]]


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "_TRY_AGAIN_S", 0.01)


class Probe(Part):
    """Writes down what is done to it. `faults`: what its next loads, and its stop, raise."""

    reloads = "probe"

    def __init__(self, name: str, log: Log, *faults: Exception, stop: Exception | None = None) -> None:
        self.name, self.log, self.faults, self.stop_fault = name, log, list(faults), stop
        self.loaded = asyncio.Event()

    async def load(self) -> None:
        self.log.append((self.name, "load"))
        if self.faults:
            raise self.faults.pop(0)
        self.loaded.set()

    def start(self) -> None:
        self.log.append((self.name, "start"))

    async def stop(self) -> None:
        self.log.append((self.name, "stop"))
        if self.stop_fault is not None:
            raise self.stop_fault


def rooms_of(*probes: Probe) -> tuple[Room, ...]:
    def making(probe: Probe) -> Callable[[Context], Part]:
        return lambda _: probe

    return (Room(API, (), parts=tuple(making(probe) for probe in probes)),)


@asynccontextmanager
async def running(url: str, *probes: Probe) -> AsyncIterator[Process]:
    process = Process(Settings(database_url=url), DatabaseClock(), rooms_of(*probes))
    await process.start()
    try:
        yield process
    finally:
        await process.stop()


def faults(process: Process, where: str) -> float | None:
    return process.metrics.registry.get_sample_value("sihu_faults_total", {"where": where})


async def until_ready(process: Process) -> None:
    async with asyncio.timeout(20):
        await process.ready.wait()


async def test_parts_start_in_order_and_stop_in_reverse(database_url: str) -> None:
    log: Log = []
    async with running(database_url, Probe("a", log), Probe("b", log)) as process:
        await until_ready(process)
    assert log == [
        ("a", "load"),
        ("b", "load"),
        ("a", "start"),
        ("b", "start"),
        ("b", "stop"),
        ("a", "stop"),
    ]


async def test_a_part_that_cannot_load_is_tried_again(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever the reason, every part is then loaded anew; nothing starts before; a reason is logged once."""
    log: Log = []
    away, broken = (
        [Unavailable(Sentence("Later."), cause="no route") for _ in range(3)],
        RuntimeError("a fault of ours"),
    )
    async with running(database_url, Probe("a", log), Probe("b", log, *away, broken)) as process:
        await until_ready(process)
        assert faults(process, "start") == 1
    assert log[:10] == [("a", "load"), ("b", "load")] * 5
    assert log[10:12] == [("a", "start"), ("b", "start")]
    reasons = [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR]
    assert [each.partition(": ")[2] for each in reasons] == ["no route", "RuntimeError: a fault of ours"]


async def test_every_part_stops_though_one_fails(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    log: Log = []
    async with running(database_url, Probe("a", log), Probe("b", log, stop=RuntimeError("stuck"))) as process:
        await until_ready(process)
    assert log[-2:] == [("b", "stop"), ("a", "stop")]
    assert faults(process, "stop") == 1
    assert "Probe did not stop cleanly" in caplog.text
    assert process.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


async def test_a_part_that_hangs_is_left_behind(database_url: str, caplog: pytest.LogCaptureFixture) -> None:
    """It may wait for a database that never answers; the parts before it stop all the same."""

    class Hanging(Probe):
        async def stop(self) -> None:
            await super().stop()
            await asyncio.Event().wait()

    class Slow(Probe):
        async def stop(self) -> None:
            await super().stop()
            await asyncio.sleep(0.2)
            self.log.append((self.name, "stopped"))

    log: Log = []
    async with asyncio.timeout(60), running(database_url, Slow("a", log), Hanging("b", log)) as process:
        await until_ready(process)
    assert log[-3:] == [("b", "stop"), ("a", "stop"), ("a", "stopped")], "there is time left for the others"
    assert "Hanging did not stop in time" in caplog.text
    assert "Slow did not stop" not in caplog.text
    assert not [each for each in caplog.records if each.name.startswith("service.") and each.levelno >= logging.ERROR]


async def test_a_process_stopped_while_starting_stops_no_part(database_url: str) -> None:
    log: Log = []
    probe = Probe("a", log, *(Unavailable(Sentence("Later.")) for _ in range(10_000)))
    async with running(database_url, probe) as process:
        async with asyncio.timeout(20):
            while not log:
                await asyncio.sleep(0.01)
        assert not process.ready.is_set()
    assert {what for _, what in log} == {"load"}


async def test_older_tables_are_waited_out(bare_url: str, caplog: pytest.LogCaptureFixture) -> None:
    log: Log = []
    async with running(bare_url, Probe("a", log)) as process:
        async with asyncio.timeout(20):
            while "run `sihu migrate`" not in caplog.text:
                await asyncio.sleep(0.01)
        assert log == [] and not process.ready.is_set()
        await migrate.upgrade(process.database)
        await until_ready(process)
    assert log[0] == ("a", "load")


async def test_a_part_loads_again_when_a_commit_says_so(database_url: str, database: Database) -> None:
    probe = Probe("a", [])
    async with running(database_url, probe) as process:
        await until_ready(process)
        probe.loaded.clear()
        async with database.begin() as tx:
            entry = Entry(EventType.KEY_CREATED, START, "440105", (), {})
            await writing.append(tx, [entry], reload=("probe",))
        async with asyncio.timeout(10):
            await probe.loaded.wait()


async def test_rooms_parts_load_last_and_stop_first(haizhu_url: str) -> None:
    process = Process(Settings(database_url=haizhu_url), DatabaseClock(), ROOMS)
    kinds = [type(part) for part in process.parts]
    access = [FailedSignIns, Refusals, KeyWatch, KeyUse, KnownTokens, OpenSessions, Keyring]
    assert kinds[-12:] == [Engine, Newest, OldWords, Intake, CalendarWatch, *access]
    assert kinds.index(Tail) < kinds.index(Engine)
    await process.stop()


@pytest.mark.parametrize(
    ("settings", "clock", "fires", "travels"),
    [
        ({}, DatabaseClock(), True, False),
        ({"engine": EngineMode.ONLY}, DatabaseClock(), True, False),
        ({"engine": EngineMode.OFF}, DatabaseClock(), False, False),
        ({"virtual_clock": START}, VirtualClock(START), False, True),
    ],
)
async def test_one_thing_alone_fires_deadlines(
    haizhu_url: str, settings: dict[str, object], clock: DatabaseClock | VirtualClock, fires: bool, travels: bool
) -> None:
    process = Process(Settings.model_validate({"database_url": haizhu_url, **settings}), clock, ROOMS)
    assert (Engine in process.context.parts, Advancer in process.context.parts) == (fires, travels)
    await process.stop()


async def test_a_virtual_clock_starts_no_earlier_than_what_is_stored(haizhu_url: str, haizhu: Database) -> None:
    newest = datetime(2031, 5, 1, tzinfo=UTC)
    async with haizhu.begin() as tx:
        await writing.append(tx, [Entry(EventType.INCIDENT_COMMENTED, newest, "440105", (), {})])
    for setting, expected in (("now", newest), (START, START)):
        clock = VirtualClock(START)
        process = Process(Settings(database_url=haizhu_url, virtual_clock=setting), clock, ROOMS)
        await process.start()
        await until_ready(process)
        await process.stop()
        assert clock.now() - expected < timedelta(seconds=1), setting
