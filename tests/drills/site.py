"""What a drill runs on: a prepared PostgreSQL with a small registry's keys, and `sihu serve` in processes of its own.

The policy has boxes of seconds, so that thousands of deadlines fall due within a drill.
"""

from __future__ import annotations

import asyncio
import csv
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.drills.cluster import Cluster, new_folder
from tests.processes.running import command, free_port

SAMPLE = Path(__file__).resolve().parents[2] / "service" / "registry" / "haizhu"
STREET, CATEGORY, CELLS = "440105003", "urban-0110", 24
ANSWER_S = {1: 2, 2: 2, 3: 3, 4: 60}
RESOLVE_S = {1: 5, 2: 5, 3: 5, 4: 60}
VERIFY_S = 30
REPORTERS, POLLERS = 120, 80
"""So many that nobody comes near what one person may write in an hour or a day."""
READY_S = 60.0


def _policy(answer_s: dict[int, int]) -> str:
    rows = [
        f"  - {{level: {level}, urgency: {urgency}, answer: {answer_s[level]}s, resolve: {RESOLVE_S[level]}s, "
        "clock: continuous}"
        for level in answer_s
        for urgency in ("urgent", "normal")
    ]
    head = ("code: drill", "title: 演练 (drill)", f"verify: {VERIFY_S}s", "reopen: 7d", "warn: []", "rows:")
    return "\n".join([*head, *rows]) + "\n"


def bundle(folder: Path, answer_s: dict[int, int] = ANSWER_S) -> Path:
    """The sample's registry without the shapes of its cells, and with a policy of seconds."""
    shutil.copytree(SAMPLE, folder, ignore=shutil.ignore_patterns("*.geojson", "*.py", "__pycache__"))
    (folder / "policy.yaml").write_text(_policy(answer_s))
    return folder


def cells() -> list[str]:
    """The codes of a few cells of the street, from several of its communities."""
    with (SAMPLE / "cells.csv").open(encoding="utf-8") as file:
        found = [row["code"] for row in csv.DictReader(file) if row["code"].startswith(STREET)]
    return found[:: max(1, len(found) // CELLS)][:CELLS]


@dataclass(frozen=True)
class Keys:
    """The text of every key, by its subject."""

    by_subject: dict[str, str]

    def of(self, subject: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.by_subject[subject]}"}

    @property
    def reporters(self) -> list[str]:
        return [each for each in self.by_subject if each.startswith("reporter-")]

    @property
    def pollers(self) -> list[str]:
        return [each for each in self.by_subject if each.startswith("poller-")]


class Serving:
    """One `sihu serve`, on the same port however often it is started."""

    def __init__(self, database_url: str, log: Path, *arguments: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = log
        self._database_url = database_url
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "service.commands.parser", "serve", "--port", str(self.port), *self._arguments],
                env={**os.environ, "DATABASE_URL": self._database_url},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return None if self._process is None else self._process.poll()

    async def ready(self, seconds: float = READY_S) -> float:
        """Wait until it may be sent traffic. Returns the seconds that took."""
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=self.url, timeout=2) as client:
            while True:
                assert self.code is None, f"sihu ended with {self.code}: {self.tail()}"
                assert time.monotonic() - began < seconds, f"not ready in {seconds:.0f} s: {self.tail()}"
                try:
                    if (await client.get("/readyz")).status_code == 200:
                        return time.monotonic() - began
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    async def terminate(self, seconds: float = 40) -> tuple[int | None, float]:
        """SIGTERM. Returns the exit code and the seconds it took; no code when it had to be killed."""
        assert self._process is not None
        began = time.monotonic()
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        while self._process.poll() is None and time.monotonic() - began < seconds:
            await asyncio.sleep(0.01)
        code = self._process.poll()
        self.kill()
        return code, time.monotonic() - began

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""

    def memory_mib(self, field: str = "VmHWM") -> float:
        """The most memory it has had (VmHWM), or has now (VmRSS)."""
        status = Path("/proc", str(self.pid), "status").read_text()
        return int(status.partition(f"{field}:")[2].split()[0]) / 1024


class Template:
    """A stopped PostgreSQL with everything a drill needs in it: made once, copied for each drill."""

    def __init__(self, folder: Path, cluster: Cluster, keys: Keys) -> None:
        self.folder = folder
        self.cluster = cluster
        self.keys = keys
        self._copies = 0

    def copy(self, name: str) -> tuple[Path, Cluster]:
        """A folder for a drill, and in it a copy of the server, not started."""
        self._copies += 1
        folder = self.folder / f"{name}-{self._copies}"
        folder.mkdir(mode=0o711)
        if os.geteuid() == 0:
            os.chown(folder, self.cluster.data.stat().st_uid, -1)
        return folder, self.cluster.copy(folder / "pg")


@contextmanager
def template() -> Iterator[Template]:
    folder = new_folder()
    cluster = Cluster.new(folder / "template")
    try:
        cluster.start()
        cluster.create_database()
        keys = asyncio.run(prepare(cluster.url(), folder))
        cluster.stop()
        yield Template(folder, cluster, keys)
    finally:
        cluster.remove()
        shutil.rmtree(folder, ignore_errors=True)


async def prepare(url: str, folder: Path) -> Keys:
    """Migrate a database, import the registry, and make the keys of a drill."""
    for arguments in (("migrate",), ("registry", "import", str(bundle(folder / "bundle")))):
        done = await asyncio.to_thread(command, *arguments, url=url)
        assert done.returncode == 0, done.stdout + done.stderr
    made = await asyncio.to_thread(command, "keys", "create", "--role", "ops", "--subject", "ops", url=url)
    assert made.returncode == 0, made.stderr
    by_subject = {"ops": made.stdout.strip()}
    async with (
        served(url, folder / "prepare.log", "--engine", "off") as server,
        httpx.AsyncClient(base_url=server.url, headers=Keys(by_subject).of("ops"), timeout=30) as client,
    ):
        for body in _wanted_keys():
            answer = await client.post("/v1/keys", json=body)
            assert answer.status_code == 201, answer.text
            by_subject[body["subject"]] = answer.json()["key"]
    return Keys(by_subject)


def _wanted_keys() -> list[dict[str, str]]:
    communities = sorted({cell[:12] for cell in cells()})
    reporters = [*(f"reporter-{n:03}" for n in range(REPORTERS)), "hog", "good"]
    return [
        *({"role": "reporter", "area": STREET, "subject": subject} for subject in reporters),
        *({"role": "unit", "unit": unit, "subject": unit} for unit in (*communities, STREET)),
        *({"role": "unit", "unit": communities[0], "subject": f"poller-{n:02}"} for n in range(POLLERS)),
        {"role": "auditor", "subject": "auditor"},
    ]


@asynccontextmanager
async def served(url: str, log: Path, *arguments: str) -> AsyncIterator[Serving]:
    """One `sihu serve` that is ready, killed at the end."""
    server = Serving(url, log, *arguments)
    server.start()
    try:
        await server.ready()
        yield server
    finally:
        server.kill()
