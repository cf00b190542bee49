"""Every way by which an incident is read, with the requests that read a story by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.house import CATEGORY, CELL, DEPARTMENT, LEADER
from tests.security.matrix import table
from tests.security.matrix.people import (
    ELSEWHERE,
    EMPLOYEE,
    PARTNERS,
    PEOPLE,
    POLICE,
    REPORTERS,
    WORKER_OF_VENDOR,
    key_of,
)
from tests.security.matrix.stories import Told
from tests.security.requests import document

FIGURES = {"period": "2026-11", "group_by": "unit", "measure": "calls", "limit": "500"}
JSON, OPEN_STATES = "application/json", "calling,answered,on_hold,resolved"
UNITS = (DEPARTMENT, LEADER, POLICE)
_INCIDENTS = {"Incident", "IncidentRow", "QueueRow", "EventIncident", "CountedCall", "IncidentLink"}
"""The schemas that tell of an incident."""


class Read(NamedTuple):
    """One request that reads by a channel, and whether the story is in it. None: it may be or not."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    accept: str
    holds: bool | None


def of_document() -> set[tuple[str, str]]:
    """Every operation of the document whose answers tell of an incident, with each media type; but the acts on one,
    which are in the table of operations."""
    found = set()
    for path, item in document()["paths"].items():
        for method, operation in item.items():
            is_act = method == "post" and "{incident_id}" in path
            if is_act or not isinstance(operation, dict) or not path.startswith("/v1/"):
                continue
            answers = (answer for status, answer in operation["responses"].items() if status.startswith("2"))
            media = {kind: body for each in answers for kind, body in each.get("content", {}).items()}
            if "/incidents/{incident_id}" in path or any(_tells(body.get("schema", {})) for body in media.values()):
                found |= {(f"{method.upper()} {path}", kind) for kind in media}
    return found


def _tells(schema: Any) -> bool:
    """Whether a schema, or one that it refers to, is that of an incident."""
    waiting, known = [schema], set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            name = str(each.get("$ref", "")).rpartition("/")[2]
            if name and name not in known:
                known.add(name)
                waiting.append(document()["components"]["schemas"][name])
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return bool(known & _INCIDENTS)


def reads(who: str, story: Told) -> Iterator[Read]:
    """Every request by which somebody may try to read a story."""
    for (operation, media), rule in table.CHANNELS.items():
        method, path = operation.split()
        filled = path.format(incident_id=story.id, unit=story.unit)
        query = _query(path, media)
        holds = is_read(rule, who, story)
        if rule == "again":
            if who not in PARTNERS and PEOPLE[key_of(who)].systems:
                body = _again(who, story)
                yield Read(method, filled, {}, {"items": [body]} if path.endswith("batch") else body, media, holds)
        else:
            yield Read(method, filled, query, None, media, holds)


def _query(path: str, media: str) -> Mapping[str, str]:
    if path == "/v1/queues/{unit}":
        return {"state": OPEN_STATES, "limit": "500"}
    if path == "/v1/appraisal/watch/calls":
        return {"period": "2026-11", "sign": "raised", "unit": "440105003001"}
    if path == "/v1/appraisal/calls":
        return FIGURES if media == JSON else {name: value for name, value in FIGURES.items() if name != "limit"}
    return {"limit": "500"} if path in ("/v1/incidents", "/v1/events") else {}


def _again(who: str, story: Told) -> dict[str, Any]:
    """The same report again, by its source, for a cell where the reader may report."""
    cell = f"{ELSEWHERE}001001" if who in ("stranger", "other_vendor") else CELL
    body = {"grid_code": cell, "category": CATEGORY, "description": "再报一次", "source": story.source}
    named = {WORKER_OF_VENDOR: EMPLOYEE, "ops": "somebody"}
    return {**body, "on_behalf_of": named[who]} if who in named else body


def is_read(rule: str, who: str, story: Told) -> bool | None:
    """Whether somebody reads a story by a channel."""
    sight, standing = table.sight_of(who, story.name), table.standing_of(who, story.name)
    reads_all = bool(set(standing) & set("eo"))
    match rule:
        case "feed":
            return sight != "0" and standing != "m"
        case "queue":
            return (reads_all and story.name != "closed") or who in table.QUEUES[story.name]
        case "figures":
            return who not in REPORTERS and (reads_all or bool(set(standing) & set(table.FIGURES)))
        case "watch":
            return None if reads_all else False
        case _:
            return sight != "0"
