"""The log of a real process: JSON lines on standard error, and a service that does not wait for who reads them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import URL

from tests.processes.running import command, free_port, serving

BODY = {"grid_code": "440105003001001", "category": "urban-0110", "description": "张三家门口路灯不亮"}
NOWHERE = "postgresql://nobody:hunter2@127.0.0.1:1/nothing"


@pytest.fixture
def worker(haizhu_url: str) -> dict[str, str]:
    made = command("keys", "create", "--role", "reporter", "--area", "440105003", "--subject", "worker", url=haizhu_url)
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


def _documents(log: Path) -> list[dict[str, Any]]:
    """The lines of a log, all of them JSON but the banner."""
    banner, *lines = log.read_text().splitlines()
    assert banner.startswith("sihu serves at ")
    return [json.loads(line) for line in lines]


@pytest.mark.clause("ASVS 16.2.3", "ASVS 16.2.4")
def test_every_line_on_stderr_is_json(
    haizhu_url: str, worker: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIHU_LOG", "json")
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        made = httpx.post(f"{running.url}/v1/incidents?", json=BODY, headers=worker)
        assert made.status_code == 201
        httpx.get(f"{running.url}{made.headers['location']}", headers=worker)
        httpx.get(f"{running.url}/v1/incidents?x=张三", headers=worker)
        with httpx.Client() as thief:
            for _ in range(300):
                thief.get(f"{running.url}/v1/incidents", headers={"Authorization": "Bearer sihu_stolen"})
        running.wait_for('"refusals"')
        running.stop()
    found = _documents(tmp_path / "log")
    requests = [each for each in found if each.get("event") == "request" and each["route"] != "/readyz"]
    assert [each["level"] for each in found if each["event"] == "ready"] == ["info"]
    wrote, read = requests[:2]
    assert (wrote["method"], wrote["route"], wrote["status"]) == ("POST", "/v1/incidents", 201)
    assert (wrote["subject"], wrote["incident"]) == ("worker", made.json()["id"])
    assert wrote["request_id"] == made.headers["x-request-id"]
    assert (read["status"], read["code"]) == (422, "validation_failed")
    flood = [each for each in requests if each["status"] == 401]
    counted = sum(each["count"] for each in found if each["event"] == "refusals")
    assert len(flood) + counted == 300
    assert len(flood) < 100
    text = (tmp_path / "log").read_text()
    assert not [word for word in ("张三", "stolen", worker["Authorization"][7:]) if word in text]


def test_trouble_at_the_start_is_json_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIHU_LOG", "json")
    with serving(NOWHERE, tmp_path / "log") as running:
        running.wait_for("not_ready")
        running.stop()
    found = _documents(tmp_path / "log")
    assert ("error", "not_ready") in [(each["level"], each["event"]) for each in found]
    assert "hunter2" not in (tmp_path / "log").read_text()


def test_text_lines_name_the_request_as_well(haizhu_url: str, worker: dict[str, str], tmp_path: Path) -> None:
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        made = httpx.post(f"{running.url}/v1/incidents", json=BODY, headers=worker)
        running.wait_for("POST /v1/incidents 201")
        running.stop()
    (line,) = [each for each in running.log.read_text().splitlines() if "POST /v1/incidents 201" in each]
    assert f" request_id={made.headers['x-request-id']} subject=worker " in line


def test_a_log_that_nobody_reads_does_not_stop_the_service(
    haizhu_url: str, worker: dict[str, str], server: URL
) -> None:
    """Standard error is a pipe that is full, as behind a collector that hangs."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    while True:
        try:
            os.write(writing, b"x" * 1024)
        except BlockingIOError:
            break
    os.set_blocking(writing, True)
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "service.commands.parser", "serve", "--port", str(port)],
        env={**os.environ, "DATABASE_URL": haizhu_url, "SIHU_LOG": "json"},
        stdout=subprocess.DEVNULL,
        stderr=writing,
    )
    try:
        end = time.monotonic() + 30
        while True:
            try:
                if httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                assert time.monotonic() < end
                time.sleep(0.05)
        for _ in range(20):
            assert httpx.post(f"http://127.0.0.1:{port}/v1/incidents", json=BODY, headers=worker, timeout=5).is_success
        process.terminate()
        process.wait(timeout=10)
    finally:
        process.kill()
        process.wait()
        os.close(reading)
        os.close(writing)
