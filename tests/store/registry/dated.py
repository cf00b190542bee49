"""Rows of the registry with validity dates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.store.rows import NOW

LATER, LATEST = NOW + timedelta(days=1), NOW + timedelta(days=2)
SHAPE = [[[113.3, 23.1], [113.4, 23.1], [113.3, 23.2]]]
NEW: dict[str, dict[str, Any]] = {
    "units": {
        **{"name": '街 "一"', "kind": "street", "level": 2, "parent": "440105", "line_parent": None},
        **{"covers": ["440105003"], "in_charge_of": [], "answers_for": ["urban-01"]},
    },
    "cells": {"name": "网格", "community": "u", "shape": SHAPE},
    "categories": {
        **{"name": "市容", "line": "urban", "urgency": "normal", "parent": None},
        **{"urgencies": ["normal"], "kinds": []},
    },
    "duties": {
        **{"title": "环卫", "category": "urban", "area": "440105", "lead_unit": "dept", "assisting": ["a", "b"]},
        "basis": "三定\\",
    },
}


def row_of(name: str, code: str, /, **changes: Any) -> dict[str, Any]:
    """A row of `rows.DATED[name]`, in force from `NOW` on."""
    return {"code": code, "valid_from": NOW, "valid_to": None, **NEW[name], **changes}
