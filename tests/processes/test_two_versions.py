"""An upgrade under load: programs of two versions on one database, replaced one after another.

The older program is that of the commit in `older_version.txt`. The load uses the standard library alone, since the
answers of the older program are not those of today's document.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import signal
import subprocess
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from http.client import HTTPConnection, HTTPException
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from service.store.database import Database
from service.store.incidents import old_words
from tests.processes.running import ROOT, Running, command, serving
from tests.store.log.older_events import old_left

pytestmark = pytest.mark.slow

COMMIT = Path(__file__).with_name("older_version.txt").read_text().strip()
COMMUNITY, CELL = "440105003001", "440105003001001"
CONTINUOUS = ROOT / "tests" / "continuous.yaml"
_REPORTERS = tuple(f"reporter-{n}" for n in range(4))
"""The newer program takes 300 reports a day of each, and the older policy knows of no other number."""
_PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the older program."""
    got = subprocess.run(["git", "archive", COMMIT], cwd=ROOT, capture_output=True, check=False)
    if got.returncode != 0:
        pytest.skip(f"the older program is not in this clone's history: {got.stderr.decode().strip()}")
    folder = tmp_path_factory.mktemp("older")
    with tarfile.open(fileobj=BytesIO(got.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


class Load:
    """People who report, answer and resolve. Each sends to any process that is ready, and sends again what was not
    answered."""

    def __init__(self, processes: Sequence[Running], keys: dict[str, str], name: str = "k") -> None:
        self.processes = list(processes)
        self.reports: set[str] = set()
        self.acts: Counter[str] = Counter()
        self.statuses: Counter[int] = Counter()
        self.refused: list[tuple[str, int, Any]] = []
        self.unready_moments = 0
        self._keys = keys
        self._numbers, self._name = itertools.count(), name
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._act) for _ in range(4)]
        self._threads.append(threading.Thread(target=self._probe))

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_PATIENCE_S)

    def more(self, count: int) -> None:
        """Wait until so many more reports are acknowledged."""
        wanted, end = len(self.reports) + count, time.monotonic() + _PATIENCE_S
        while len(self.reports) < wanted:
            assert time.monotonic() < end, self.statuses
            assert not self.refused, self.refused
            time.sleep(0.02)

    def _act(self) -> None:
        while not self._stop.is_set():
            body = {"grid_code": CELL, "category": "urban-0110", "description": "路灯不亮"}
            made = self._until_settled(random.choice(_REPORTERS), "/v1/incidents", body)
            self.reports.add(made["id"])
            path = f"/v1/incidents/{made['id']}"
            for verb, words in (("answer", {"measure": "今天去修"}), ("resolve", {"result": "修好了"})):
                self._until_settled("unit", f"{path}/{verb}", words)
                self.acts[verb] += 1

    def _until_settled(self, who: str, path: str, body: dict[str, Any]) -> Any:
        """The answer of a write, sent under one key until it is answered for good."""
        headers = {
            "Authorization": f"Bearer {self._keys[who]}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"{self._name}-{next(self._numbers)}",
        }
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            try:
                status, answer = _send(random.choice(self.processes), "POST", path, headers, json.dumps(body))
            except (OSError, HTTPException):
                continue  # a process that ends: the next one is asked
            self.statuses[status] += 1
            if status < 300:
                return answer
            if status not in (429, 503):
                self.refused.append((path, status, answer))
                raise SystemExit  # ends this thread; the test reads why
            time.sleep(0.05)
        raise AssertionError(f"{path} was never answered: {self.statuses}")

    def _probe(self) -> None:
        """What a balancer sees: is there a process that is ready?"""
        while not self._stop.is_set():
            if not any(_is_ready(each) for each in list(self.processes)):
                self.unready_moments += 1
            time.sleep(0.05)


def _send(
    running: Running, method: str, path: str, headers: dict[str, str], body: str | None = None
) -> tuple[int, Any]:
    connection = HTTPConnection(running.url.removeprefix("http://"), timeout=20)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def _is_ready(running: Running) -> bool:
    try:
        return _send(running, "GET", "/readyz", {})[0] == 200
    except (OSError, HTTPException):
        return False


def _until_ready(running: Running) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not _is_ready(running):
        assert running.process.poll() is None, running.log.read_text()
        assert time.monotonic() < end, running.log.read_text()
        time.sleep(0.05)


@pytest.fixture
def keys(older: Path, bare_url: str, tmp_path: Path) -> dict[str, str]:
    """The older program makes the tables, the registry and the keys."""

    def run(*arguments: str) -> str:
        done = command(*arguments, url=bare_url, code=older)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    bundle = tmp_path / "bundle"
    bundle.mkdir()
    for file in (older / "service" / "registry" / "haizhu").iterdir():
        if file.name != "cells.geojson":
            (bundle / file.name).write_bytes(file.read_bytes())
    (bundle / "policy.yaml").write_bytes(CONTINUOUS.read_bytes())
    run("migrate")
    run("registry", "import", str(bundle))
    return {
        **{each: run("keys", "create", "--role", "reporter", "--area", "440105003") for each in _REPORTERS},
        "unit": run("keys", "create", "--role", "unit", "--unit", COMMUNITY),
        "ops": run("keys", "create", "--role", "ops"),
    }


def test_an_upgrade_under_load_is_seen_by_nobody(
    older: Path, keys: dict[str, str], bare_url: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:

        def start(name: str, code: Path = ROOT) -> Running:
            return stack.enter_context(serving(bare_url, tmp_path / f"{name}.log", code=code))

        old = [start("old-1", older), start("old-2", older)]
        for each in old:
            _until_ready(each)
        early = start("new-1")
        with Load(old, keys) as load:
            load.more(10)
            done = command("migrate", url=bare_url)
            assert done.returncode == 0, done.stderr
            _until_ready(early)  # it was started on the older tables, and needs no hand
            assert all(_is_ready(each) for each in old), "the older program serves on"
            load.more(10)
            for each, new in zip(old, (early, start("new-2")), strict=True):
                _until_ready(new)
                load.processes.append(new)
                load.more(10)
                load.processes.remove(each)
                each.stop()
            load.more(10)
        seen = _every_incident(load.processes[0], keys["ops"])
    assert not load.refused
    assert load.unready_moments == 0
    assert len(load.reports) == len(seen) >= 50, "none is lost, none is doubled"
    assert load.reports == {each["id"] for each in seen}
    assert sum(each["state"] == "resolved" for each in seen) == load.acts["resolve"]


def _every_incident(running: Running, key: str) -> list[Any]:
    return list(itertools.chain.from_iterable(_pages(running, key)))


def _pages(running: Running, key: str) -> Iterator[list[Any]]:
    cursor = ""
    while cursor is not None:
        path = f"/v1/incidents?limit=500{cursor and f'&cursor={cursor}'}"
        status, page = _send(running, "GET", path, {"Authorization": f"Bearer {key}"})
        assert status == 200, page
        yield page["items"]
        cursor = page["next_cursor"]


_MANY_COMMENTS = text(
    """
    WITH batch AS (
        INSERT INTO log_batch (events, queues, reload) VALUES (:many, '{}', '{}') RETURNING id
    ), last AS (
        UPDATE incident SET sequence = sequence + :many WHERE id = :incident RETURNING sequence - :many AS sequence
    )
    INSERT INTO event (batch_id, ord, incident_id, sequence, type, at, area, unit, audience, data)
    SELECT batch.id, n, :incident, last.sequence + n, 'sihu.incident.commented', event.at, event.area, event.unit,
           event.audience, CAST(jsonb_set(CAST(event.data AS jsonb), '{note}', to_jsonb(concat('planted ', n))) AS json)
    FROM batch, last, event, generate_series(1, :many) AS n
    WHERE event.incident_id = :incident AND event.sequence = last.sequence
    """
)
"""Comments as the older program writes them: one batch of them, on one incident."""
_EACH = 400


async def _comment_on_all(url: str, incidents: Sequence[str]) -> None:
    database = Database(url, pool_size=1)
    for each in incidents:
        async with database.begin() as tx:
            await tx.execute(_MANY_COMMENTS, {"incident": UUID(each), "many": _EACH})
    await database.close()


async def _moved(url: str) -> tuple[int, int, int]:
    """How far the words are moved, where the log ends, and how many events have words in their data."""
    database = Database(url, pool_size=1)
    async with database.read() as connection:
        found = await old_words.progress(connection)
        left = await old_left(connection)
    await database.close()
    return found.up_to, found.end, left


def _wait_until_moved(url: str, is_enough: Callable[[int, int, int], bool]) -> tuple[int, int, int]:
    end = time.monotonic() + _PATIENCE_S
    while not is_enough(*(found := asyncio.run(_moved(url)))):
        assert time.monotonic() < end, found
        time.sleep(0.02)
    return found


def _timeline(running: Running, key: str, incident: str) -> list[Any]:
    """All events of an incident. The older program gives them in one page."""
    items: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        path = f"/v1/incidents/{incident}/timeline{cursor and f'?limit=500&cursor={cursor}'}"
        status, page = _send(running, "GET", path, {"Authorization": f"Bearer {key}"})
        assert status == 200, page
        items, cursor = items + page["items"], page.get("next_cursor")
    return items


def _whole_feed(running: Running, key: str) -> Iterator[list[Any]]:
    cursor = ""
    while True:
        path = f"/v1/events?limit=500{cursor and f'&after={cursor}'}"
        status, page = _send(running, "GET", path, {"Authorization": f"Bearer {key}"})
        assert status == 200, page
        if not page["items"]:
            return
        yield page["items"]
        cursor = page["next_cursor"]


def test_old_words_are_moved_while_everybody_works(
    older: Path, keys: dict[str, str], bare_url: str, tmp_path: Path
) -> None:
    """Thousands of old events; an old process goes on writing more, and a new one is killed while it moves them."""
    with ExitStack() as stack:

        def start(name: str, code: Path = ROOT) -> Running:
            running = stack.enter_context(serving(bare_url, tmp_path / f"{name}.log", code=code))
            _until_ready(running)
            return running

        old = start("old", older)
        with Load([old], keys) as load:
            load.more(30)
        done = command("migrate", url=bare_url)
        assert done.returncode == 0, done.stderr
        incidents = sorted(load.reports)
        asyncio.run(_comment_on_all(bare_url, incidents))
        before = {each: _timeline(old, keys["ops"], each) for each in incidents}
        assert sum(map(len, before.values())) > 30 * _EACH
        with Load([old], keys, "later") as load:
            first = start("first")
            _wait_until_moved(bare_url, lambda up_to, _, left: up_to > 0 and left > 0)
            first.stop(signal.SIGKILL)
            assert asyncio.run(_moved(bare_url))[2] > 0, "it was killed on the way"
            second = start("second")
            load.processes.append(second)
            load.more(10)
            load.processes.remove(old)
            load.more(10)
        old.stop()
        assert not load.refused
        up_to, end, left = _wait_until_moved(bare_url, lambda up_to, end, _: up_to == end)
        assert (up_to, left) == (end, 0)
        for each in incidents:
            after = _timeline(second, keys["ops"], each)
            assert len(after) >= len(before[each])
            # the older program knows no marks of batches, by which their events are named today
            pairs = zip(before[each], after, strict=False)
            assert [one for one in pairs if one[0] != {**one[1], "id": one[0]["id"]}][:1] == []
        later = [one for each in load.reports for one in _timeline(second, keys["ops"], each)]
        subjects = {each["data"]["by"].get("subject") for each in later}
        assert None not in subjects, "nobody is missing in what was written meanwhile"
        seen = [each for page in _whole_feed(second, keys["ops"]) for each in page if "incident" in each["data"]]
        assert len(seen) >= 30 * _EACH
        assert not any("note" in each["data"] or "subject" in each["data"]["by"] for each in seen)
