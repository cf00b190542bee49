"""The database does not answer, or takes no writes: everything is refused in time, and goes on by itself afterwards."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.postgres import Server
from tests.processes.running import Running, command, serving
from tests.processes.servers import Switch, own_server, standby_of, stopped

pytestmark = pytest.mark.slow

BODY = {"grid_code": "440105003001001", "category": "urban-0110", "description": "路灯不亮"}


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="sihu-hangs-") as folder:
        server = own_server(Path(folder) / "pg")
        assert command("migrate", url=server.url()).returncode == 0
        assert command("registry", "import", "service/registry/haizhu", url=server.url()).returncode == 0
        yield server
        server.stop()


class Phone:
    """Somebody with a key of a reporter, and how long each answer took."""

    def __init__(self, running: Running, url: str) -> None:
        key = command("keys", "create", "--role", "reporter", "--area", "440105003", url=url).stdout.strip()
        self._client = httpx.Client(
            base_url=running.url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=60,
            limits=httpx.Limits(max_connections=100),
        )

    def close(self) -> None:
        self._client.close()

    def report(self) -> tuple[float, httpx.Response]:
        return self.send("POST", "/v1/incidents", BODY)

    def send(self, method: str, path: str, body: Any = None) -> tuple[float, httpx.Response]:
        began = time.monotonic()
        answer = self._client.request(method, path, json=body)
        return time.monotonic() - began, answer

    def until(self, status: int, *, seconds: float) -> float:
        """How long it takes until a report is answered with this status."""
        began = time.monotonic()
        while self.report()[1].status_code != status:
            assert time.monotonic() - began < seconds, f"no report was answered {status} within {seconds} s"
            time.sleep(0.05)
        return time.monotonic() - began


def at_once(*requests: Callable[[], tuple[float, httpx.Response]]) -> list[tuple[float, httpx.Response]]:
    with ThreadPoolExecutor(len(requests)) as pool:
        return [each.result() for each in [pool.submit(request) for request in requests]]


def until(holds: Callable[[], bool], *, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def refused(answers: list[tuple[float, httpx.Response]], *, within: float) -> None:
    """All answers are 503 in time, and say when to come again."""
    assert {answer.status_code for _, answer in answers} == {503}
    assert {answer.json()["code"] for _, answer in answers} == {"unavailable"}
    assert all(int(answer.headers["retry-after"]) >= 1 for _, answer in answers)
    assert max(took for took, _ in answers) < within


def log_lines(running: Running, words: str) -> int:
    return running.log.read_text().count(words)


def test_a_server_that_stops_answering_keeps_nobody_waiting(server: Server, tmp_path: Path) -> None:
    with serving(server.url(), tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        with closing(Phone(running, server.url())) as phone:
            incident = phone.report()[1].json()["id"]

            def comment() -> tuple[float, httpx.Response]:
                return phone.send("POST", f"/v1/incidents/{incident}/comment", {"text": "?"})

            with stopped(server):
                probes = [lambda: phone.send("GET", "/readyz"), lambda: phone.send("GET", "/healthz")] * 3
                answers = at_once(*[comment] * 20, *[phone.report] * 12, *probes)
                refused(answers[:20], within=13)
                refused(answers[20:32], within=9)
                for took, answer in answers[32:]:
                    assert took < 1.5
                    assert answer.status_code == (503 if answer.request.url.path == "/readyz" else 200)
                until(lambda: comment()[0] < 0.5, seconds=8)  # it is known to be away: nobody waits any more
                refused(at_once(*[comment] * 5, *[phone.report] * 5), within=1)
                took, probe = phone.send("GET", "/readyz")
                assert (took < 1.5, probe.status_code, probe.json()["status"]) == (True, 503, "unavailable")
                assert "does not answer" in probe.json()["checks"]["database"]["detail"]
            assert phone.until(201, seconds=5) < 2.5
            running.wait_until("/readyz", 200, seconds=5)
            printed = running.wait_for("over after", seconds=10)
            assert "Traceback" not in printed
            assert log_lines(running, "the database does not answer: ") == 1
            metrics = phone.send("GET", "/metrics")[1].text
            assert 'sihu_database_faults_total{sqlstate="timeout"}' in metrics


def test_a_server_that_takes_no_writes_is_left_at_once(server: Server, tmp_path: Path) -> None:
    """The switch leads to a standby for a while, without cutting more than once; then back, without cutting at all."""
    with tempfile.TemporaryDirectory(prefix="sihu-standby-") as folder:
        standby = standby_of(server, Path(folder) / "pg")
        switch = Switch(server)
        try:
            with serving(switch.url(), tmp_path / "log") as running:
                running.wait_until("/readyz", 200)
                with closing(Phone(running, server.url())) as phone:
                    assert phone.report()[1].status_code == 201
                    switch.server = standby
                    switch.cut()
                    found = running.wait_until("/readyz", 503, seconds=5).json()["checks"]["database"]
                    assert "takes no writes" in found["detail"]
                    refused(at_once(*[phone.report] * 10), within=5)
                    switch.server = server
                    assert phone.until(201, seconds=8) < 4
                    running.wait_until("/readyz", 200, seconds=5)
                    assert at_once(*[phone.report] * 20)[0][1].status_code == 201
                    assert "Traceback" not in running.log.read_text()
                    assert log_lines(running, "the database takes no writes: ") == 1
        finally:
            switch.close()
            standby.stop()


def test_a_standby_alone_is_waited_for_and_said(server: Server, tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="sihu-standby-") as folder:
        standby = standby_of(server, Path(folder) / "pg")
        try:
            with serving(standby.url(), tmp_path / "log") as running:
                running.wait_for("this server takes no writes")
                probe = running.wait_until("/readyz", 503)
                assert "takes no writes" in probe.json()["checks"]["database"]["detail"]
        finally:
            standby.stop()
