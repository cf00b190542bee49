"""`sihu demo`: one unanswered incident through all four calls on the virtual clock, on a database of its own."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from service import clock as clocks
from service import postgres
from service import process as processes
from service.commands import sample
from service.main import create_app
from service.rules.worktime import ZONE
from service.settings import Settings
from service.store import migrate
from service.store.database import Database

_HEAD = f"{'time 时间':<18}{'event 事件':<28}{'level':<7}unit 单位"


def climb(settings: Settings, asked: argparse.Namespace) -> int:
    """Report, then let time pass. Prints the timeline, which is the whole mechanism."""
    with tempfile.TemporaryDirectory(prefix="sihu-demo-") as folder:
        print("Starting a database of its own …", flush=True)
        server = postgres.start(Path(folder) / "pg", bin_dir=settings.pg_bin, settings={"fsync": "off"})
        try:
            chosen = settings.model_copy(update={"database_url": server.url(), "data_dir": Path(folder)})
            asyncio.run(_play(chosen))
        finally:
            server.stop()
    return 0


async def _play(settings: Settings) -> None:
    database = Database(settings.database_url or "", pool_size=2)
    await migrate.upgrade(database)
    held = await sample.keys_for(database, {})
    await database.close()
    app = create_app(settings, clocks.of("now"))
    async with app.router.lifespan_context(app), _client(app) as client:
        await processes.of(app).ready.wait()
        story = await _climbed(client, held)
    _show(*story)


def _client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo")


async def _climbed(client: httpx.AsyncClient, held: dict[str, str]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    worker, ops = ({"Authorization": f"Bearer {held[name]}"} for name in ("WORKER", "OPS"))
    body = {"grid_code": sample.CELL, "category": sample.CATEGORY, "description": "巷口垃圾堆积,无人处理"}
    reported = (await client.post("/v1/incidents", json=body, headers=worker)).raise_for_status().json()
    where = f"/v1/incidents/{reported['id']}"
    plan = (await client.get(f"{where}/plan", headers=worker)).raise_for_status().json()["items"]
    end = {"to": plan[-1]["at"]}  # the first repeated call of the leader: days away, more over a holiday
    (await client.post("/v1/clock/advance", json=end, headers=ops)).raise_for_status()
    incident = (await client.get(where, headers=worker)).raise_for_status().json()
    timeline = (await client.get(f"{where}/timeline", headers=worker)).raise_for_status().json()
    return incident, timeline["items"]


def _show(incident: dict[str, Any], events: list[dict[str, Any]]) -> None:
    print(f"\nIncident {incident['number']}: {incident['description']} (nobody answers)\n\n{_HEAD}\n{'-' * 76}")
    for event in events:
        at = datetime.fromisoformat(event["time"]).astimezone(ZONE).strftime("%m-%d %H:%M:%S")
        now = event["data"]["incident"]
        print(f"{at:<20}{event['type']:<30}{now['level']:<7}{now['unit']}")
    print(f"\n{'call':<6}{'unit 单位':<26}{'cause 因':<16}outcome 果")
    for call in incident["calls"]:
        print(f"{call['seq']:<6}{call['unit']:<28}{call['cause']:<17}{call['outcome'] or 'open 进行中'}")
