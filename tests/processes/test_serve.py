"""The service as people run it: a process, stopped with real signals, on a database that comes and goes."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import make_url

from service.rules.words import Role
from tests.processes.running import command, serving

CELL, STREET = "440105003001001", "440105003"
BODY = {"grid_code": CELL, "category": "urban-0110", "description": "路灯不亮"}


def _key(url: str, *arguments: str) -> dict[str, str]:
    made = command("keys", "create", *arguments, url=url)
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("sihu_")
    assert made.stdout.count("\n") == 1
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_service_ends_cleanly_and_has_lost_nothing(
    haizhu_url: str, tmp_path: Path, how: signal.Signals
) -> None:
    worker = _key(haizhu_url, "--role", Role.REPORTER, "--area", STREET)
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        made = httpx.post(f"{running.url}/v1/incidents", json=BODY, headers=worker)
        assert made.status_code == 201
        running.stop(how)
        assert "Traceback" not in running.log.read_text()
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        again = httpx.get(running.url + made.headers["location"], headers=worker)
        assert again.json() == made.json()


def test_what_was_acknowledged_survives_a_kill(haizhu_url: str, tmp_path: Path) -> None:
    worker = _key(haizhu_url, "--role", "reporter", "--area", STREET)
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        with httpx.Client(base_url=running.url, headers=worker) as client:
            made = [client.post("/v1/incidents", json=BODY).json()["id"] for _ in range(20)]
        running.process.kill()
    with serving(haizhu_url, tmp_path / "log") as running:
        running.wait_until("/readyz", 200)
        listed = httpx.get(f"{running.url}/v1/incidents", headers=worker).json()["items"]
        assert {row["id"] for row in listed} == set(made)


def test_a_database_that_is_behind_or_away_is_said_plainly_and_recovered_from(
    server: object, haizhu_url: str, tmp_path: Path
) -> None:
    nowhere = make_url(haizhu_url).set(database="not_made_yet").render_as_string(hide_password=False)
    with serving(nowhere, tmp_path / "log") as running:
        running.wait_until("/healthz", 200)
        assert running.wait_until("/readyz", 503).json()["status"] == "unavailable"
        refused = httpx.get(f"{running.url}/v1/incidents", headers={"Authorization": "Bearer sihu_x"})
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    failed = command("keys", "list", url=nowhere)
    assert failed.returncode == 1
    assert failed.stderr.startswith("sihu: ")
    assert failed.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_line_and_exit_code_2(haizhu_url: str) -> None:
    failed = command("serve", url="mysql://x/y")
    assert (failed.returncode, failed.stderr.count("\n")) == (2, 1)


def test_importing_the_sample_again_changes_nothing(haizhu_url: str) -> None:
    again = command("registry", "import", "service/registry/haizhu", url=haizhu_url)
    assert again.returncode == 0
    assert "units: 0 added, 0 changed, 278 unchanged" in again.stdout
