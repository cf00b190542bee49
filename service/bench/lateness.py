"""A steady stream of deadlines that the real engine fires in a real process, while reports come in beside it.

The control is the same stream without the reports, so the difference is what the reports cost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from service.bench import clocks, load, server
from service.bench.figures import comparison, percentile, print_progress
from service.bench.seeding import seed
from service.commands import sample
from service.store.database import Database

_MIN_LATE_S = 0.0001
"""The smallest lateness in the result, in seconds: a ratio to zero would mean nothing."""
_KEYS = 16
"""The reporters whose reports come in beside the deadlines."""
_LEAD_S = 8
"""Seconds from the start of an idle server to the first deadline. In this time all deadlines are written, and the
engine learns of them (it looks every 5 s)."""


async def measure(database: Database, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure `late_s` of the missed calls in seconds (p50, p99, max), in turns: without reports, with reports, and
    with reports in working time. One `ratio` compares the p99 with reports to the p99 without, the other the p99 in
    working time to that on the continuous clock."""
    now = await clocks.now(database)
    print_progress(f"making {arguments.beside} open incidents")
    await seed(database, arguments.beside, reported_at=now, due_at=now + timedelta(days=30), name="open")
    keys = await server.reporters(database, _KEYS)
    quiet: list[dict[str, Any]] = []
    busy: list[dict[str, Any]] = []
    working: list[dict[str, Any]] = []
    for turn in range(arguments.rounds):
        quiet.append(await _turn(database, arguments, f"quiet {turn + 1}", ()))
        busy.append(await _turn(database, arguments, f"busy {turn + 1}", keys))
        working.append(await _turn(database, arguments, f"working {turn + 1}", keys, version=2))
    return {
        "unit": "seconds late",
        "rate": arguments.rate,
        "open": arguments.beside,
        "p99_with_reports_against_without": comparison([each["p99"] for each in busy], [each["p99"] for each in quiet]),
        "p99_in_working_time_against_continuous": comparison(
            [each["p99"] for each in working], [each["p99"] for each in busy]
        ),
        "with_reports": busy,
        "with_reports_in_working_time": working,
        "control_without": quiet,
    }


async def _turn(
    database: Database, arguments: argparse.Namespace, name: str, keys: Sequence[dict[str, str]], *, version: int = 1
) -> Any:
    print_progress(f"{arguments.rate} deadlines a second for {arguments.seconds:.0f} s, {name}")
    many = int(arguments.rate * arguments.seconds)
    with server.serving(database.url, "service.commands.parser", "serve") as port:
        start = await clocks.now(database) + timedelta(seconds=_LEAD_S)
        await seed(database, many, reported_at=start - clocks.ANSWER, due_at=start, name=name)
        await _spread(database, name, 1 / arguments.rate)
        await clocks.put_under(database, version, name)
        lead = (start - await clocks.now(database)).total_seconds()
        if lead < 0:
            raise RuntimeError(f"all was written {-lead:.1f} s after the first deadline: that would be measured, too")
        beside = await _send_beside(port, keys, lead + arguments.seconds)
        return {**_figures(await _lateness_of(database, name, many)), **beside}


async def _send_beside(port: int, keys: Sequence[dict[str, str]], seconds: float) -> dict[str, float]:
    """Send a stream of reports for `seconds`. Without `keys`, only wait for that time."""
    if not keys:
        await asyncio.sleep(seconds)
        return {}
    body = {"grid_code": sample.CELL, "category": sample.CATEGORY, "description": "巷口垃圾堆积"}
    content = json.dumps(body, ensure_ascii=False).encode()
    wire = [load.request("POST", "/v1/incidents", headers, content) for headers in keys]
    sent = await asyncio.to_thread(load.send, port, wire, clients=4, seconds=seconds)
    if set(sent["statuses"]) != {"201"}:
        raise RuntimeError(f"the reports were answered {sent['statuses']}")
    return {"reports_per_second": sent["per_second"]}


async def _spread(database: Database, name: str, gap_s: float) -> None:
    """Move the deadlines apart, so that `gap_s` seconds lie between one and the next."""
    spread = text(
        "UPDATE incident SET due_at = due_at + n.place * CAST(:gap AS interval), wake_at = due_at + n.place * "
        "CAST(:gap AS interval) FROM (SELECT id, row_number() OVER (ORDER BY number) AS place FROM incident "
        "WHERE number LIKE :name) AS n WHERE n.id = incident.id"
    )
    async with database.begin() as tx:
        await tx.execute(spread, {"gap": timedelta(seconds=gap_s), "name": f"{name}-%"})
        boxes = "UPDATE call SET answer_by = due_at FROM incident WHERE id = incident_id AND number LIKE :name"
        await tx.execute(text(boxes), {"name": f"{name}-%"})


async def _lateness_of(database: Database, name: str, many: int) -> list[float]:
    found = text(
        "SELECT call.late_s FROM call JOIN incident ON incident.id = call.incident_id "
        "WHERE incident.number LIKE :name AND call.late_s IS NOT NULL"
    )
    async with asyncio.timeout(60):
        while True:
            async with database.read() as connection:
                late = list((await connection.execute(found, {"name": f"{name}-%"})).scalars())
            if len(late) >= many:
                return late
            await asyncio.sleep(0.2)


def _figures(late: list[float]) -> dict[str, float | int]:
    found = {"p50": percentile(late, 0.5), "p99": percentile(late, 0.99), "max": max(late)}
    return {"fired": len(late), **{name: max(_MIN_LATE_S, round(value, 4)) for name, value in found.items()}}
