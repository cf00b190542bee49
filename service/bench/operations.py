"""The requests whose cost must not grow with history: how they are made for one database."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode
from uuid import UUID

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from service.access.new_keys import NewKey
from service.bench import clocks, load, server
from service.bench.history_seeding import SPAN
from service.commands import sample
from service.rules.words import EventType, Role
from service.store.database import Database
from service.store.registry import deployment
from service.web.cursors import Cursors

_OPEN = "calling,answered,on_hold,resolved"
_REPORTER = "worker-7"
"""One of the reporters of the closed incidents."""
_NOBODY_REPORTS = "emergency-03"
_FEW = 100_000
"""The incidents that are quickly read whole. Of more, a sample is read, four times as large as is needed."""
_CLOSED = text(
    "SELECT id FROM (SELECT id FROM incident TABLESAMPLE BERNOULLI (:percent) WHERE state = 'closed') AS sample "
    "ORDER BY random() LIMIT :many"
)
_ROWS = text("SELECT CAST(reltuples AS bigint) FROM pg_class WHERE oid = CAST('incident' AS regclass)")
_CALLING = text("SELECT id, unit FROM incident WHERE state = 'calling' AND level = 1 ORDER BY unit, id LIMIT :many")
_DEPARTMENT = text("SELECT min(code) FROM unit WHERE kind = 'department'")
_END = text("SELECT max(last_position) FROM log_batch")


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of request: the requests to send in turn, and the status that each is answered with."""

    name: str
    wires: Sequence[bytes]
    status: int = 200


Keys = dict[str, dict[str, str]]
"""The headers of those who ask: ops, a street, a community, a department, and two reporters."""


async def keys_of(database: Database) -> Keys:
    """Make the keys of those who ask."""
    async with database.read() as connection:
        department = (await connection.execute(_DEPARTMENT)).scalar_one()
    wanted = {
        "ops": NewKey(Role.OPS, subject="bench-ops"),
        "street": NewKey(Role.UNIT, unit=sample.STREET),
        "community": NewKey(Role.UNIT, unit=sample.COMMUNITY),
        "department": NewKey(Role.UNIT, unit=department),
        "reporter": NewKey(Role.REPORTER, area=sample.STREET, subject=_REPORTER),
        "worker": NewKey(Role.REPORTER, area=sample.STREET, subject="bench-worker"),
    }
    return dict(zip(wanted, await server.keys(database, list(wanted.values())), strict=True))


async def operations(database: Database, port: int, keys: Keys, samples: int) -> list[Operation]:
    """The operations as the database stands now, for at most so many requests of each. Those that change something come
    last."""
    now = await clocks.now(database)
    async with database.read() as connection:
        department = (await connection.execute(_DEPARTMENT)).scalar_one()
        closed = await _closed(connection, 2 * samples)
        calling = [tuple(row) for row in await connection.execute(_CALLING, {"many": samples})]
        feed = await _feed(connection, keys)
    ops, queue = keys["ops"], f"/v1/queues/{sample.COMMUNITY}"
    return [
        _reading("get_incident", ops, *(f"/v1/incidents/{each}" for each in closed[:samples])),
        _reading("timeline", ops, *(f"/v1/incidents/{each}/timeline" for each in closed[samples:])),
        _reading("queue_page", keys["community"], queue),
        await _unchanged(port, queue, keys["community"]),
        *(_reading(name, keys[who], _list_path(query)) for name, (who, query) in _lists(department, now).items()),
        _reading("similar", ops, *(f"/v1/incidents/{each}/similar" for each, _ in calling)),
        *feed,
        _reading("readyz", {}, "/readyz"),
        _reports(keys["worker"]),
        await _answers(database, calling),
    ]


def _reading(name: str, key: dict[str, str], *paths: str) -> Operation:
    return Operation(name, [load.request("GET", path, key) for path in paths])


def _list_path(query: dict[str, str]) -> str:
    return f"/v1/incidents?{urlencode(query)}"


def _lists(department: str, now: datetime) -> dict[str, tuple[str, dict[str, str]]]:
    """Who asks for which list, by the name of the operation."""
    day = now - SPAN / 2
    return {
        "list_newest": ("ops", {}),
        "list_area_and_category": ("ops", {"area": sample.STREET, "category": sample.CATEGORY}),
        "list_category": ("ops", {"category": sample.CATEGORY}),
        "list_own_reports": ("reporter", {"reporter": "me"}),
        "list_of_a_day": (
            "ops",
            {"reported_after": day.isoformat(), "reported_before": (day + timedelta(days=1)).isoformat()},
        ),
        "list_on_hold": ("ops", {"state": "on_hold"}),
        "list_open_of_a_street": ("street", {"state": _OPEN, "area": sample.STREET}),
        "list_open_of_a_community": ("community", {"state": _OPEN, "area": sample.COMMUNITY}),
        "list_open_of_a_department": ("department", {"state": _OPEN}),
        "list_overdue": ("ops", {"overdue": "true"}),
        "list_level_4": ("ops", {"level": "4"}),
        "list_updated": ("ops", {"updated_after": now.isoformat()}),
        "list_unreported_category": ("ops", {"category": _NOBODY_REPORTS}),
        "list_unit_open": ("ops", {"unit": department, "state": _OPEN}),
        "list_of_a_department": ("department", {}),
    }


async def _closed(connection: AsyncConnection, many: int) -> list[UUID]:
    """Closed incidents of any age, by chance."""
    (everything,) = (await connection.execute(_ROWS)).one()
    percent = 100 if everything < _FEW else 400 * many / everything
    return list((await connection.execute(_CLOSED, {"percent": percent, "many": many})).scalars())


async def _feed(connection: AsyncConnection, keys: Keys) -> list[Operation]:
    """The feed at its end and in its middle, for a type that never was, and for a department."""
    end = (await connection.execute(_END)).scalar_one()
    cursors = Cursors(await deployment.cursor_secret(connection))

    def page(name: str, who: str, position: int, **query: str) -> Operation:
        cursor = cursors.sign("events", [max(0, position)])
        return _reading(name, keys[who], f"/v1/events?{urlencode({'after': cursor, **query})}")

    return [
        page("feed_end", "ops", end - 100),
        page("feed_middle", "ops", end // 2),
        page("feed_rare_type", "ops", end // 2, types=EventType.CALL_PART_DONE),
        page("feed_of_a_department", "department", end // 2),
    ]


async def _unchanged(port: int, queue: str, key: dict[str, str]) -> Operation:
    async with httpx.AsyncClient(headers=key) as client:
        tag = (await client.get(f"http://127.0.0.1:{port}{queue}")).headers["ETag"]
    return Operation("queue_unchanged", [load.request("GET", queue, {**key, "If-None-Match": tag})], 304)


def _reports(key: dict[str, str]) -> Operation:
    body = {"grid_code": sample.CELL, "category": sample.CATEGORY, "description": "巷口垃圾堆积,气味大"}
    return Operation("report", [load.request("POST", "/v1/incidents", key, _json(body))], 201)


async def _answers(database: Database, calling: Sequence[tuple[UUID, str]]) -> Operation:
    units = sorted({unit for _, unit in calling})
    keys = dict(zip(units, await server.keys(database, [NewKey(Role.UNIT, unit=unit) for unit in units]), strict=True))
    body = _json({"measure": "今天下午清运"})
    return Operation(
        "answer", [load.request("POST", f"/v1/incidents/{each}/answer", keys[unit], body) for each, unit in calling]
    )


def _json(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
