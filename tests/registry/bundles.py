"""Small bundles, as files: a district with one street, one community, one cell; and single rows to change it with."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import yaml
from sqlalchemy import text

from service.registry.bundle import importing
from service.registry.bundle.report import ImportReport
from service.rules.model import By
from service.store.database import Database

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
DAY = timedelta(days=1)
OPS = By("ops", "tests")

OFFICE: dict[str, Any] = {"calendar": "cn", "hours": ["08:00-12:00", "14:00-18:00"]}
"""What a policy says of its working time."""

UNITS = "code,name,kind,parent,in_charge_of,valid_from,valid_to"
_DISTRICT = """440402,区,district,,,,
440402001,街道,street,440402,,,
440402001001,社区,community,440402001,,,
dept-water,水务局,department,440402,,,
leader-1,领导,leader,440402,dept-water,,"""
_POLICY = "code: example\ntitle: t\nverify: 3d\nreopen: 7d\nrows:\n" + "".join(
    f"  - {{level: {level}, urgency: {urgency}, answer: 1h, resolve: 1d, clock: continuous}}\n"
    for level in (1, 2, 3, 4)
    for urgency in ("urgent", "normal")
)


def files(**changed: str) -> dict[str, bytes]:
    """The whole small bundle, some of its files replaced: `files(units="…")`."""
    texts = {
        "lines.csv": "code,name\nurban,城市管理\n",
        "units.csv": f"{UNITS}\n{_DISTRICT}\n",
        "cells.csv": "code,name,community\n440402001001001,网格,440402001001\n",
        "categories.csv": "code,name,line,urgency,parent\nu,城管,urban,normal,\nu-1,垃圾,urban,urgent,u\n",
        "duties.csv": "code,title,category,area,lead_unit\nD1,排水,u,440402,dept-water\n",
        "policy.yaml": _POLICY,
    }
    texts |= {next(name for name in texts if name.startswith(f"{key}.")): text for key, text in changed.items()}
    return {name: text.encode() for name, text in texts.items()}


def policy(answer: str) -> dict[str, bytes]:
    """The policy alone, with another answer box at every level."""
    return {"policy.yaml": _POLICY.replace("answer: 1h", f"answer: {answer}").encode()}


def row(level: int = 1, urgency: str = "normal", **changed: Any) -> dict[str, Any]:
    """One row of a policy: an hour and a day of a continuous clock, unless it says otherwise."""
    fields = {"level": level, "urgency": urgency, "answer": "1h", "resolve": "1d", "clock": "continuous"}
    return fields | changed


def working(level: int = 1, urgency: str = "normal", **changed: Any) -> dict[str, Any]:
    return row(level, urgency, **{"answer": "4h", "resolve": "1wd", "clock": "working", **changed})


def written(*more: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A policy as people write it: that of `files()`, with more rows before its own and some fields replaced. A field
    that is None is left out."""
    rows = [row(level, urgency) for level in (1, 2, 3, 4) for urgency in ("urgent", "normal")]
    whole = {"code": "example", "title": "t", "verify": "3d", "reopen": "7d", "rows": [*more, *rows], **changed}
    return {name: value for name, value in whole.items() if value is not None}


def in_yaml(policy: Mapping[str, Any]) -> bytes:
    return yaml.safe_dump(dict(policy), allow_unicode=True).encode()


def water(name: str = "水务局", *, since: str = "", until: str = "") -> dict[str, bytes]:
    """One row alone: the water department."""
    return {"units.csv": f"{UNITS}\ndept-water,{name},department,440402,,{since},{until}\n".encode()}


async def bring(
    database: Database, bundle: Mapping[str, bytes], now: datetime = NOW, *, dry_run: bool = False
) -> ImportReport:
    return await importing.import_bundle(database, bundle, now, OPS, dry_run=dry_run)


async def everything(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row an import could write."""
    registry = ("line", "unit", "cell", "category", "duty", "policy", "policy_activation", "calendar_day")
    tables = ("deployment", *registry, "event", "log_batch")
    async with database.read() as connection:
        return {
            name: [tuple(row) for row in await connection.execute(text(f"SELECT t::text FROM {name} t ORDER BY 1"))]
            for name in tables
        }


async def history(database: Database, code: str = "dept-water") -> list[tuple[str, datetime, datetime | None]]:
    """The rows of a unit, oldest first: name, from, to."""
    async with database.read() as connection:
        found = await connection.execute(
            text("SELECT name, valid_from, valid_to FROM unit WHERE code = :code ORDER BY valid_from"), {"code": code}
        )
        return [(row.name, row.valid_from, row.valid_to) for row in found]


async def stored_days(database: Database, calendar: str = "cn") -> dict[date, tuple[bool, str, str | None]]:
    """Day → workday, source, note of a calendar."""
    wanted = text("SELECT day, workday, source, note FROM calendar_day WHERE calendar = :code")
    async with database.read() as connection:
        rows = await connection.execute(wanted, {"code": calendar})
        return {row.day: (row.workday, row.source, row.note) for row in rows}
