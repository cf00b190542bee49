"""Real servers, stopped with real signals: whoever waits is let go, what was begun is answered, nothing is left."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from service import postgres
from tests.processes.running import Running, command, family, lives, postmaster, servers_in, serving

pytestmark = pytest.mark.anyio

CELL, COMMUNITY, STREET = "440105003001001", "440105003001", "440105003"
BODY = {"grid_code": CELL, "category": "urban-0110", "description": "路灯不亮"}
EMBEDDED = ""
"""As DATABASE_URL, an empty value is none."""
WAITS = 100
FEW_S = 4.0
"""What a stop may take in a test; the goal is half of it, on a machine that does nothing else."""


def a_key(url: str, *arguments: str) -> str:
    made = command("keys", "create", *arguments, url=url)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def a_request(key: str, method: str, path: str, body: object = None, **lines: str) -> bytes:
    content = json.dumps(body).encode() if body is not None else b""
    lines = {"Host": "sihu", "Authorization": f"Bearer {key}", **lines}
    if content:
        lines |= {"Content-Type": "application/json", "Content-Length": str(len(content))}
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + content


class Answer:
    """One answer as it came: its status, headers in lower case, and body."""

    def __init__(self, head: bytes, body: bytes) -> None:
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split()[1])
        self.headers = dict(line.lower().split(": ", 1) for line in lines if line)
        self.body = body


class Client:
    """One connection. `ask` gives the answer, or None when the connection was cut instead."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes) -> Answer | None:
        try:
            self.writer.write(request)
            head = await self.reader.readuntil(b"\r\n\r\n")
            answer = Answer(head[:-4], b"")
            answer.body = await self.reader.readexactly(int(answer.headers.get("content-length", 0)))
        except (OSError, asyncio.IncompleteReadError):
            return None
        return answer


@asynccontextmanager
async def a_client(running: Running) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(running.url.rpartition(":")[2]))
    try:
        yield Client(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def ended(running: Running, within_s: float) -> int:
    """The exit code of a process that has to end in time."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(within_s):
            while running.process.poll() is None:
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"still runs after {time.monotonic() - began:.1f} s: {running.log.read_text()}") from None
    print(f"ended after {time.monotonic() - began:.2f} s")
    return running.process.returncode


async def report_until_closed(running: Running, key: str, seen: Counter[object]) -> None:
    """Report one after the other on one connection, for as long as the server keeps it."""
    with suppress(OSError):
        async with a_client(running) as client:
            while True:
                answer = await client.ask(a_request(key, "POST", "/v1/incidents", BODY))
                seen[answer.status if answer else "cut"] += 1
                if answer is None or answer.headers.get("connection") == "close":
                    return


async def wait_for_news(running: Running, key: str, path: str, tag: str | None) -> Answer | None:
    lines = {"If_None_Match": tag} if tag else {}
    async with a_client(running) as client:
        return await client.ask(a_request(key, "GET", path, **lines))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_waits_are_let_go_and_requests_answered(haizhu_url: str, tmp_path: Path, how: signal.Signals) -> None:
    """A hundred held polls and four people who report: the process ends at once, with 0, and every request is answered
    in the words of the contract."""
    worker = a_key(haizhu_url, "--role", "reporter", "--area", STREET)
    # a department's queue: the reports do not change it
    department = a_key(haizhu_url, "--role", "unit", "--unit", "dept-urban-management")
    auditor = a_key(haizhu_url, "--role", "auditor")  # one subject alone may not wait so often
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        queue = "/v1/queues/dept-urban-management"
        async with a_client(running) as client:
            first = await client.ask(a_request(department, "GET", queue))
            assert first is not None
            tag = first.headers["etag"].replace("w/", "W/")
        feed = "/v1/events?after=now&wait=55&types=sihu.policy.drafted"
        waits = [
            asyncio.create_task(wait_for_news(running, *each))
            for each in [(department, f"{queue}?wait=55", tag), (auditor, feed, None)] * (WAITS // 2)
        ]
        seen: Counter[object] = Counter()
        people = [asyncio.create_task(report_until_closed(running, worker, seen)) for _ in range(4)]
        while seen[201] < 20:
            await asyncio.sleep(0.05)
        assert not any(each.done() for each in waits)
        running.process.send_signal(how)
        code = await ended(running, FEW_S)
        answers = await asyncio.gather(*waits)
        await asyncio.gather(*people)
    assert code == 0
    assert Counter(each.status if each else "cut" for each in answers) == {304: WAITS // 2, 200: WAITS // 2}
    assert {each.headers["connection"] for each in answers if each} == {"close"}
    empty = [json.loads(each.body) for each in answers if each and each.status == 200]
    assert all(each["items"] == [] and each["next_cursor"] for each in empty)
    assert set(seen) <= {201, 503}
    log = running.log.read_text().partition("stopping: ")[2]
    assert "ERROR" not in log and "WARNING" not in log and "Traceback" not in log
    assert log.splitlines()[-1].endswith("stopped")


@pytest.fixture
def own_server() -> Iterator[postgres.Server]:
    """A server that a test may stop with signals."""
    bin_dir = os.environ.get("SIHU_PG_BIN")
    with tempfile.TemporaryDirectory(prefix="sihu-stop-") as folder:
        server = postgres.start(Path(folder) / "pg", bin_dir=Path(bin_dir) if bin_dir else None)
        yield server
        for pid in family(postmaster(server.data_dir)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        server.stop()


def freeze(data_dir: Path) -> None:
    for pid in family(postmaster(data_dir)):
        os.kill(pid, signal.SIGSTOP)


async def test_a_hanging_database_does_not_hold_the_stop(own_server: postgres.Server, tmp_path: Path) -> None:
    """What is being worked on then is answered 503, as a problem, and not by a cut connection or a bare 500."""
    url = own_server.url()
    assert command("migrate", url=url).returncode == 0
    assert command("registry", "import", "service/registry/haizhu", url=url).returncode == 0
    worker = a_key(url, "--role", "reporter", "--area", STREET)
    with serving(url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        async with a_client(running) as client:
            made = await client.ask(a_request(worker, "POST", "/v1/incidents", BODY))
            assert made is not None and made.status == 201
        freeze(own_server.data_dir)
        incident = json.loads(made.body)["id"]
        requests = [
            *[a_request(worker, "POST", "/v1/incidents", BODY)] * 5,
            *[a_request(worker, "POST", f"/v1/incidents/{incident}/comment", {"text": "还没修"})] * 5,
            *[a_request(worker, "GET", "/v1/incidents")] * 5,
        ]

        async def ask(request: bytes) -> Answer | None:
            async with a_client(running) as client:
                return await client.ask(request)

        asking = [asyncio.create_task(ask(each)) for each in requests]
        await asyncio.sleep(1)
        running.process.send_signal(signal.SIGTERM)
        code = await ended(running, 10)
        answers = await asyncio.gather(*asking)
    assert code == 0
    assert Counter(each.status if each else "cut" for each in answers) == {503: len(requests)}
    assert {json.loads(each.body)["code"] for each in answers if each} == {"unavailable"}
    assert all(int(each.headers["retry-after"]) > 0 for each in answers if each)
    assert "Traceback" not in running.log.read_text()


async def test_a_stopping_process_is_not_ready(haizhu_url: str, tmp_path: Path) -> None:
    """On a connection that is still open, /readyz says so; a new connection is refused."""
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        async with a_client(running) as client:
            ready = await client.ask(a_request("", "GET", "/readyz"))
            assert ready is not None and ready.status == 200
            running.process.send_signal(signal.SIGTERM)
            while "stopping" not in running.log.read_text():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            with pytest.raises(ConnectionRefusedError):
                async with a_client(running):
                    pass
            answer = await client.ask(a_request("", "GET", "/readyz"))
        assert answer is not None and answer.status == 503
        assert json.loads(answer.body)["checks"]["migrations"] == {"ok": False, "detail": "stopping"}
        assert answer.headers["connection"] == "close"
        assert await ended(running, FEW_S) == 0


async def test_a_process_without_its_database_ends_at_once(tmp_path: Path) -> None:
    with serving("postgresql://nobody@127.0.0.1:1/nothing", tmp_path / "log") as running:
        running.wait_until("/healthz", 200)
        running.process.send_signal(signal.SIGTERM)
        assert await ended(running, FEW_S) == 0


async def test_a_second_signal_hurries(own_server: postgres.Server, tmp_path: Path) -> None:
    url = own_server.url()
    assert command("migrate", url=url).returncode == 0
    with serving(url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        freeze(own_server.data_dir)
        async with a_client(running) as client:
            asking = asyncio.create_task(client.ask(a_request("", "GET", "/readyz")))
            await asyncio.sleep(0.2)
            began = time.monotonic()
            running.process.send_signal(signal.SIGTERM)
            await asyncio.sleep(0.2)
            running.process.send_signal(signal.SIGTERM)
            assert await ended(running, 10) == 0
            hurried_s = time.monotonic() - began
            await asking
    assert hurried_s < 3.5


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_the_embedded_server_stops_too(tmp_path: Path, how: signal.Signals) -> None:
    with serving(EMBEDDED, tmp_path / "log", SIHU_DATA_DIR=str(tmp_path)) as running:
        running.wait_until("/readyz", 200, seconds=60)
        running.process.send_signal(how)
        assert await ended(running, FEW_S) == 0
    assert servers_in(tmp_path) == []


async def test_a_hanging_embedded_server_is_not_left_behind(tmp_path: Path) -> None:
    with serving(EMBEDDED, tmp_path / "log", SIHU_DATA_DIR=str(tmp_path)) as running:
        running.wait_until("/readyz", 200, seconds=60)
        freeze(tmp_path / "postgres")
        running.process.send_signal(signal.SIGTERM)
        assert await ended(running, 10) == 0
    assert servers_in(tmp_path) == []
    with serving(EMBEDDED, tmp_path / "log", SIHU_DATA_DIR=str(tmp_path)) as running:
        running.wait_until("/readyz", 200, seconds=60)
        running.stop()


@pytest.mark.parametrize("after_s", [0.0, 0.4, 0.8, 1.2, 1.6, 2.4])
def test_a_start_that_is_broken_off_leaves_nothing_behind(tmp_path: Path, after_s: float) -> None:
    """Whether PostgreSQL is just being made, started or migrated."""
    with serving(EMBEDDED, tmp_path / "log", SIHU_DATA_DIR=str(tmp_path)) as running:
        while not any(tmp_path.glob(".postgres.*")):  # from here on signals are the command's own
            assert running.process.poll() is None, running.log.read_text()
            time.sleep(0.01)
        time.sleep(after_s)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=10) == 0
    assert "Traceback" not in running.log.read_text()
    assert servers_in(tmp_path) == []


@pytest.mark.parametrize("arguments", [("demo",), ("migrate",), ("bench", "queue", "--open", "1000000")])
def test_other_commands_leave_no_server_behind(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    environment = {**os.environ, "DATABASE_URL": "", "SIHU_DATA_DIR": str(tmp_path), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-m", "service.commands.parser", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    ) as process:
        while not servers_in(tmp_path):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 128 + signal.SIGTERM
    assert servers_in(tmp_path) == []


async def test_a_killed_embedded_server_is_started_again(tmp_path: Path) -> None:
    with serving(EMBEDDED, tmp_path / "log", SIHU_DATA_DIR=str(tmp_path)) as running:
        running.wait_until("/readyz", 200, seconds=60)
        for turn in range(2):
            before = postmaster(tmp_path / "postgres")
            os.kill(before, signal.SIGKILL)
            while running.log.read_text().count("runs again") <= turn:
                await asyncio.sleep(0.05)
            running.wait_until("/readyz", 200, seconds=60)
            after = postmaster(tmp_path / "postgres")
            assert after != before and lives(after)
        running.process.send_signal(signal.SIGTERM)
        assert await ended(running, FEW_S) == 0
    assert servers_in(tmp_path) == []
    assert "has died and is started again" in running.log.read_text()


async def test_a_server_that_was_stopped_on_purpose_stays_so(tmp_path: Path) -> None:
    with serving(EMBEDDED, tmp_path / "log", SIHU_DATA_DIR=str(tmp_path)) as running:
        running.wait_until("/readyz", 200, seconds=60)
        os.kill(postmaster(tmp_path / "postgres"), signal.SIGINT)
        running.wait_for("was stopped by somebody else")
        assert "stopped by somebody else" in running.wait_until("/readyz", 503).text
        assert servers_in(tmp_path) == []
        running.process.send_signal(signal.SIGTERM)
        assert await ended(running, FEW_S) == 0


@pytest.mark.slow
async def test_twenty_stops_of_twenty_are_clean(tmp_path: Path) -> None:
    """Stopped at any moment of its life, sihu ends with 0 and takes its PostgreSQL with it."""
    for turn in range(20):
        with serving(EMBEDDED, tmp_path / "log", SIHU_DATA_DIR=str(tmp_path)) as running:
            running.wait_until("/healthz", 200, seconds=60)
            await asyncio.sleep(turn * 0.02)
            running.process.send_signal(signal.SIGTERM if turn % 2 else signal.SIGINT)
            assert await ended(running, FEW_S) == 0, turn
        assert servers_in(tmp_path) == [], turn
    assert "Traceback" not in (tmp_path / "log").read_text()
