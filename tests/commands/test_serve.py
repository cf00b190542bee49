"""`sihu serve`: the demo, the engine alone, and the collector. Signals and lost databases are in tests/processes."""

from __future__ import annotations

import gc
import json
import stat
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.commands import sample
from service.commands.serve import settle_memory
from tests.processes.running import command, serving


def test_the_demo_migrates_imports_and_prints_its_story(
    bare_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIHU_DATA_DIR", str(tmp_path))
    with serving(bare_url, tmp_path / "log", "--demo") as running:
        running.wait_until("/readyz", 200, seconds=60)
        file = tmp_path / "demo-keys.json"
        keys_by_name = json.loads(file.read_text())
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        headers = {"Authorization": f"Bearer {keys_by_name['STREET']}"}
        assert httpx.get(f"{running.url}/v1/queues/{sample.STREET}", headers=headers).status_code == 200
        running.stop()
    printed = (tmp_path / "log").read_text()
    assert "Traceback" not in printed
    assert all(f"export {name}={keys_by_name[name]}" in printed for name in sample.DEMO_KEYS)


def test_an_engine_alone_serves_only_its_health(haizhu_url: str, tmp_path: Path) -> None:
    key = command("keys", "create", "--role", "ops", url=haizhu_url).stdout.strip()
    with serving(haizhu_url, tmp_path / "log", "--engine", "only") as running:
        running.wait_until("/readyz", 200)
        assert httpx.get(f"{running.url}/metrics").status_code == 200
        refused = httpx.get(f"{running.url}/v1/incidents", headers={"Authorization": f"Bearer {key}"})
        assert refused.status_code == 404


@pytest.fixture
def collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collector")
def test_settled_memory_is_looked_at_less_often() -> None:
    gc.set_threshold(700, 10, 10)
    settle_memory()
    assert gc.get_threshold()[0] == 100_000
    assert gc.get_freeze_count() > 0
