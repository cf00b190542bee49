"""The database goes away under load and comes back: what was acknowledged is there, and the process needs no hand."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service import postgres
from tests.processes.running import Running, command, serving

pytestmark = pytest.mark.slow

BODY = {"grid_code": "440105003001001", "category": "urban-0110", "description": "路灯不亮"}


@pytest.fixture
def data_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="sihu-away-") as folder:
        yield Path(folder) / "pg"


def _start(data_dir: Path) -> postgres.Server:
    bin_dir = os.environ.get("SIHU_PG_BIN")
    return postgres.start(data_dir, bin_dir=Path(bin_dir) if bin_dir else None)


def _post_until(
    stop: threading.Event, running: Running, worker: dict[str, str], made: list[str], codes: set[str]
) -> None:
    with httpx.Client(base_url=running.url, headers=worker, timeout=30) as client:
        while not stop.is_set():
            answer = client.post("/v1/incidents", json=BODY)
            if answer.status_code == 201:
                made.append(answer.json()["id"])
            else:
                codes.add(answer.json()["code"])


@pytest.mark.clause("ASVS 16.5.2")
def test_a_database_that_goes_away_under_load_loses_nothing_acknowledged(data_dir: Path, tmp_path: Path) -> None:
    server = _start(data_dir)
    url = server.url()
    try:
        assert command("migrate", url=url).returncode == 0
        assert command("registry", "import", "service/registry/haizhu", url=url).returncode == 0
        key = command("keys", "create", "--role", "reporter", "--area", "440105003", url=url).stdout.strip()
        worker = {"Authorization": f"Bearer {key}"}
        with serving(url, tmp_path / "log") as running:
            running.wait_until("/readyz", 200)
            stop, made, codes = threading.Event(), list[str](), set[str]()
            people = [threading.Thread(target=_post_until, args=(stop, running, worker, made, codes)) for _ in range(4)]
            for person in people:
                person.start()
            server.stop()
            running.wait_until("/readyz", 503)
            running.wait_until("/healthz", 200)
            before = len(made)
            server = _start(data_dir)
            running.wait_until("/readyz", 200)
            while len(made) < before + 20:
                assert running.process.poll() is None
            stop.set()
            for person in people:
                person.join()
            assert codes - {"too_many"} == {"unavailable"}, "one subject may send only so many writes"
            seen: set[str] = set()
            query: dict[str, str] = {"limit": "500"}
            while True:
                page = httpx.get(f"{running.url}/v1/incidents", headers=worker, params=query).json()
                seen |= {row["id"] for row in page["items"]}
                if page["next_cursor"] is None:
                    break
                query["cursor"] = page["next_cursor"]
            assert set(made) <= seen
    finally:
        server.stop()
