"""The database loses its newest commits, by a restored dump or by a standby that lacked them, and all go on: readers
from where both histories part, pollers, engine and reports by what the database has now."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.processes.running import ROOT, Running, command, serving
from tests.processes.servers import Switch, own_server, signalled, standby_of

pytestmark = pytest.mark.slow

BODY = {"grid_code": "440105003001001", "category": "urban-0110", "description": "路灯不亮"}
COMMUNITY = "440105003001"
POLICY = yaml.safe_load((ROOT / "tests" / "continuous.yaml").read_text(encoding="utf-8"))
_PATIENCE_S = 60.0
_QUICK = {"fsync": "off", "full_page_writes": "off"}


class Site:
    """A server with a database, a switch in front of it, and who uses `sihu serve` behind the switch."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.server = own_server(folder / "one" / "pg", **_QUICK)
        stack.callback(self.server.stop)
        self.switch = Switch(self.server)
        stack.callback(self.switch.close)
        self.running: Running | None = None
        self._stack = stack
        self._standby: Path | None = None
        self._numbers = itertools.count()
        self._keys: dict[str, str] = {}

    def prepare(self) -> None:
        """The tables, the sample under continuous clocks, and the keys."""
        bundle = self.folder / "bundle"
        bundle.mkdir()
        for file in (ROOT / "service" / "registry" / "haizhu").iterdir():
            if file.name != "cells.geojson":
                (bundle / file.name).write_bytes(file.read_bytes())
        (bundle / "policy.yaml").write_text(yaml.safe_dump(POLICY, allow_unicode=True), encoding="utf-8")
        self._run("migrate")
        self._run("registry", "import", str(bundle))
        self._keys = {
            "worker": self._run("keys", "create", "--role", "reporter", "--area", "440105003"),
            "community": self._run("keys", "create", "--role", "unit", "--unit", COMMUNITY),
            "ops": self._run("keys", "create", "--role", "ops"),
        }

    def _run(self, *arguments: str) -> str:
        done = command(*arguments, url=self.server.url())
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self) -> None:
        """Start `sihu serve`, if it does not run."""
        if self.running is None:
            log = self.folder / "log"
            self.running = self._stack.enter_context(serving(self.switch.url(), log))
            self.running.wait_until("/readyz", 200)

    def stop(self) -> None:
        """Stop `sihu serve`."""
        assert self.running is not None
        self.running.stop()
        self.running = None

    def ask(self, who: str, method: str, path: str, body: Any = None, **options: Any) -> httpx.Response:
        """The answer to a request, which is sent again as long as it cannot be served."""
        assert self.running is not None
        headers = {"Authorization": f"Bearer {self._keys[who]}", **options.pop("headers", {})}
        if method == "POST":
            headers["Idempotency-Key"] = f"k-{next(self._numbers)}"
        end = time.monotonic() + _PATIENCE_S
        while True:
            with suppress(httpx.TransportError):
                answer = httpx.request(
                    method, self.running.url + path, json=body, headers=headers, timeout=30, **options
                )
                if answer.status_code != 503:
                    return answer
            assert time.monotonic() < end, self.running.log.read_text()
            time.sleep(0.05)

    def report(self, count: int) -> list[Any]:
        """So many reports that are acknowledged: the incidents."""
        answers = [self.ask("worker", "POST", "/v1/incidents", BODY) for _ in range(count)]
        assert {each.status_code for each in answers} == {201}, [each.text for each in answers]
        return [each.json() for each in answers]

    def activate(self, **fields: str) -> int:
        """Put another version of the policy in force: its number."""
        drafted = self.ask("ops", "POST", "/v1/policies", {**POLICY, **fields})
        assert drafted.status_code == 201, drafted.text
        version = int(drafted.json()["version"])
        path = f"/v1/policies/{POLICY['code']}/versions/{version}/activate"
        assert self.ask("ops", "POST", path, {}).status_code == 200
        return version

    def read(self, after: str | None = None) -> tuple[list[str], str]:
        """The ids of all events after a cursor, with those of the last report, and the cursor behind them."""
        ids, held, cursor = list[str](), 2, after
        while True:
            page = self.events(cursor, wait=held)
            assert page.status_code == 200, page.text
            found = page.json()
            ids += [each["id"] for each in found["items"]]
            held, cursor = 1, found["next_cursor"]
            if not found["items"]:
                return ids, str(cursor)

    def events(self, after: str | None, **query: Any) -> httpx.Response:
        asked = {"limit": 100, **query, **({"after": after} if after else {})}
        return self.ask("ops", "GET", "/v1/events", params=asked)

    def queue(self, tag: str | None = None) -> httpx.Response:
        headers = {"If-None-Match": tag} if tag else {}
        return self.ask("community", "GET", f"/v1/queues/{COMMUNITY}", headers=headers)

    # --- losses -------------------------------------------------------------------------------------------------------

    def keep(self, how: str) -> None:
        """What is committed by now survives the loss."""
        if how == "dump":
            self._program("pg_dump", "-Fc", "-f", str(self.folder / "dump"), "sihu")
            return
        standby = standby_of(self.server, self.folder / "two" / "pg")
        standby.stop()
        self._standby = standby.data_dir

    def lose(self, how: str) -> None:
        """Lose what was committed since then."""
        if how == "dump":
            self._sql('DROP DATABASE "sihu" WITH (FORCE)')
            self._sql('CREATE DATABASE "sihu"')
            self._program("pg_restore", "--single-transaction", "-d", "sihu", str(self.folder / "dump"))
            return
        signalled(self.server, signal.SIGKILL)
        assert self._standby is not None
        self.server = self.switch.server = own_server(self._standby, **_QUICK)
        self._stack.callback(self.server.stop)
        self._sql("SELECT pg_promote(true, 60)")
        self.switch.cut()

    def _sql(self, statement: str) -> None:
        self._program("psql", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", statement)

    def _program(self, name: str, *arguments: str) -> None:
        where = ("-h", str(self.server.socket_dir), "-U", "sihu")
        environment = {**os.environ, "PGDATABASE": "sihu"}
        done = subprocess.run(
            [self.server.bin_dir / name, *where, *arguments], env=environment, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()


@pytest.fixture
def site() -> Iterator[Site]:
    with tempfile.TemporaryDirectory(prefix="sihu-restored-") as folder, ExitStack() as stack:
        site = Site(Path(folder), stack)
        site.prepare()
        site.start()
        yield site


@pytest.mark.clause("GB/T 22239 8.1.4.9 a")
@pytest.mark.parametrize("meanwhile", ["running", "stopped"])
@pytest.mark.parametrize("how", ["dump", "standby"])
def test_a_loss_is_told_and_all_go_on(site: Site, how: str, meanwhile: str) -> None:
    site.report(3)
    kept, before = site.read()
    site.keep(how)

    assert site.activate(verify="9d") == 2
    assert {each["policy"]["version"] for each in site.report(4)} == {2}
    lost, ahead = site.read(before)
    tag = site.queue().headers["etag"]

    if meanwhile == "stopped":
        site.stop()
    site.lose(how)
    site.start()

    after = site.report(6)
    assert {each["policy"]["version"] for each in after} == {1}, "decided by what the database has"
    assert site.activate(verify="5d") == 2, "the same number again, with another content"
    later = site.report(2)
    resolved = site.ask("community", "POST", f"/v1/incidents/{later[0]['id']}/resolve", {"result": "修好了"}).json()
    deadline = site.ask("worker", "GET", f"/v1/incidents/{resolved['id']}/deadline").json()
    assert (deadline["policy"]["version"], deadline["box_s"]) == (2, 5 * 86_400)

    gone = site.events(ahead, wait=20)
    assert (gone.status_code, gone.json()["code"]) == (410, "history_changed"), gone.text
    new, _ = site.read(gone.json()["common"])
    everything, _ = site.read(gone.json()["oldest"])
    assert everything == kept + new
    assert len(set(everything) | set(lost)) == len(everything) + len(lost), "no id is given twice"
    assert site.read(before)[0] == new, "a reader before the loss goes on without a break"
    [restored] = site.events(None, types="sihu.log.restored").json()["items"]
    assert restored["data"]["end"] == len(kept)

    queue = site.queue(tag)
    assert queue.status_code == 200 and len(queue.json()["items"]) == 3 + 6 + 1
    health = site.ask("ops", "GET", "/readyz").json()
    assert (health["status"], health["checks"]["engine"]["put_aside"]) == ("ready", 0), health
    numbers = [each["number"] for each in (*after, *later)]
    assert len(set(numbers)) == len(numbers)
    assert site.running is not None and "cannot be swept" not in site.running.log.read_text()
