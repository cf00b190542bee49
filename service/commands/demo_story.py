"""`sihu demo` shows one unanswered incident go through all four levels, on the virtual clock and a temporary
database."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import httpx

from service import clock as clocks
from service import postgres
from service import process as processes
from service.commands import sample
from service.commands.database import on_database
from service.main import create_app
from service.rules.words import EventType
from service.rules.worktime import ZONE
from service.settings import Settings
from service.store import migrate
from service.store.database import Database

_HEAD = f"{'time 时间':<18}{'event 事件':<40}{'level 呼级':<11}unit 单位"
_WORDS: Mapping[str, str] = {
    EventType.INCIDENT_REPORTED: "上报",
    EventType.CALL_OPENED: "呼",
    EventType.CALL_WARNED: "预警",
    EventType.CALL_MISSED: "超时未应",
    EventType.CALL_UNROUTED: "无对应单位",
}
"""The Chinese words of the events that a report and the clock make."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the function of `sihu demo`, which takes no arguments."""
    parser.set_defaults(command=run)


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Report an incident, let time pass, and print its timeline, which shows the whole mechanism."""
    with tempfile.TemporaryDirectory(prefix="sihu-demo-") as folder:
        print("Starting a database of its own …", flush=True)
        with postgres.running(Path(folder) / "pg", bin_dir=settings.pg_bin, settings={"fsync": "off"}) as url:
            asyncio.run(_play(settings.model_copy(update={"database_url": url, "data_dir": Path(folder)})))
    return 0


async def _play(settings: Settings) -> None:
    keys_by_name = await on_database(settings.database_url or "", _prepare)
    app = create_app(settings, clocks.of("now"))
    async with app.router.lifespan_context(app), _client(app) as client:
        await processes.of(app).ready.wait()
        incident, events = await _escalated_incident(client, keys_by_name)
        names = {code: rows[-1].name for code, rows in processes.of(app).worlds.world.units.items()}
    _print_story(incident, events, names)


async def _prepare(database: Database) -> dict[str, str]:
    await migrate.upgrade(database)
    return await sample.demo_keys(database, {})


def _client(app: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://demo")


async def _escalated_incident(
    client: httpx.AsyncClient, keys_by_name: dict[str, str]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Report an incident that nobody answers, up to the end of its plan. Returns it and its events, oldest first."""
    worker, ops = ({"Authorization": f"Bearer {keys_by_name[name]}"} for name in ("WORKER", "OPS"))
    body = {"grid_code": sample.CELL, "category": sample.CATEGORY, "description": "巷口垃圾堆积,无人处理"}
    reported = (await client.post("/v1/incidents", json=body, headers=worker)).raise_for_status().json()
    path = f"/v1/incidents/{reported['id']}"
    plan = (await client.get(f"{path}/plan", headers=worker)).raise_for_status().json()["items"]
    end = {"to": plan[-1]["at"]}  # the first repeated call of the leader: days later, more with holidays between
    (await client.post("/v1/clock/advance", json=end, headers=ops)).raise_for_status()
    incident = (await client.get(path, headers=worker)).raise_for_status().json()
    timeline = (await client.get(f"{path}/timeline?limit=500", headers=worker)).raise_for_status().json()
    return incident, timeline["items"]


def _print_story(incident: dict[str, Any], events: list[dict[str, Any]], names: Mapping[str, str]) -> None:
    print(f"\nIncident {incident['number']}: {incident['description']} (nobody answers)\n\n{_HEAD}\n{'-' * 92}")
    for event in events:
        time = datetime.fromisoformat(event["time"]).astimezone(ZONE).strftime("%m-%d %H:%M:%S")
        after = event["data"]["incident"]
        what = f"{_columns(event['type'], 29)}{_columns(_WORDS[event['type']], 13)}"
        print(f"{time:<20}{what}{after['level']:<11}{after['unit']} {names[after['unit']]}")
    print(f"\n{'call':<6}{'cause 因':<16}{'outcome 果':<20}{'late_s 迟':<12}unit 单位")
    for call in incident["calls"]:
        late_s = "" if call["late_s"] is None else f"{call['late_s']:.1f}"
        outcome = _columns(call["outcome"] or "open 进行中", 22)
        print(f"{call['seq']:<6}{call['cause']:<17}{outcome}{late_s:<13}{call['unit']} {names[call['unit']]}")


def _columns(text: str, width: int) -> str:
    """Fill a text with blanks to a width on the terminal, where a Chinese character takes two columns."""
    return text + " " * (width - sum(1 + (east_asian_width(each) in "WF") for each in text))
