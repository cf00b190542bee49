"""One row of a list, a queue or a batch: the incident of contract §3 without its calls and requests."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service.rules.words import COMMUNITY_DIGITS, STREET_DIGITS, Level
from service.rules.world import World


def row(stored: Mapping[Any, Any], world: World, now: datetime) -> dict[str, Any]:
    """`stored` joins `incident` and `report`. `overdue` is as of `now`."""
    due_at, grid_code, unit = stored["due_at"], stored["grid_code"], stored["unit"]
    system = stored["source_system"]
    return {
        "id": stored["id"],
        "number": stored["number"],
        "kind": stored["kind"],
        "state": stored["state"],
        "level": stored["level"],
        "level_name": Level(stored["level"]).name.lower(),
        "unit": {"code": unit, "name": world.unit_name(unit)},
        "grid_code": grid_code,
        "community": grid_code[:COMMUNITY_DIGITS],
        "street": grid_code[:STREET_DIGITS],
        "category": stored["category"],
        "line": stored["line"],
        "urgency": stored["urgency"],
        "description": stored["description"],
        "location": stored["location"],
        "location_mismatch": stored["location_mismatch"],
        "source": None if system is None else {"system": system, "ref": stored["source_ref"]},
        "occurred_at": stored["occurred_at"],
        "reported_at": stored["reported_at"],
        "updated_at": stored["updated_at"],
        "due_at": due_at,
        "due_kind": stored["due_kind"],
        "overdue": due_at is not None and due_at < now,
        "provisional": stored["provisional"],
        "policy": {"code": stored["policy_code"], "version": stored["policy_version"]},
        "version": stored["version"],
        "closed_at": stored["closed_at"],
        "closed_as": stored["closed_as"],
        "reopen_until": stored["reopen_until"],
        "merged_into": stored["merged_into"],
        "rating": stored["rating"],
        "returns": stored["returns"],
    }


EXAMPLE: dict[str, Any] = {
    "id": "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11",
    "number": "2026-000123",
    "kind": "incident",
    "state": "calling",
    "level": 1,
    "level_name": "community",
    "unit": {"code": "440105003001", "name": "示例社区一(昌岗)"},
    "grid_code": "440105003001001",
    "community": "440105003001",
    "street": "440105003",
    "category": "urban-0110",
    "line": "urban",
    "urgency": "normal",
    "description": "巷口垃圾堆积,气味大",
    "location": None,
    "location_mismatch": False,
    "source": {"system": "grid-app", "ref": "A-1024"},
    "occurred_at": "2026-11-23T00:55:00Z",
    "reported_at": "2026-11-23T01:00:00Z",
    "updated_at": "2026-11-23T01:00:00Z",
    "due_at": "2026-11-23T05:00:00Z",
    "due_kind": "answer",
    "overdue": False,
    "provisional": False,
    "policy": {"code": "example", "version": 1},
    "version": 1,
    "closed_at": None,
    "closed_as": None,
    "reopen_until": None,
    "merged_into": None,
    "rating": None,
    "returns": 0,
}
"""What the OpenAPI document shows."""
