"""Examples of the registry in the OpenAPI document: rows of the Haizhu sample."""

from __future__ import annotations

from typing import Any

_ALWAYS = {"valid_from": "2020-08-31T16:00:00Z", "valid_to": None}

CELL: dict[str, Any] = {
    "code": "440105003001001",
    "name": "示例网格001",
    "community": "440105003001",
    "has_shape": True,
    **_ALWAYS,
}
LOCATED: dict[str, Any] = {"cell": CELL, "wgs84": {"lat": 23.0861, "lon": 113.2742}}
UNIT: dict[str, Any] = {
    "code": "440105003",
    "name": "昌岗街道",
    "kind": "street",
    "level": 2,
    "parent": "440105",
    "line_parent": None,
    "covers": ["440105003"],
    "in_charge_of": [],
    **_ALWAYS,
}
CATEGORY: dict[str, Any] = {
    "code": "urban-0110",
    "name": "暴露生活垃圾",
    "line": "urban",
    "urgency": "normal",
    "parent": "urban-01",
    **_ALWAYS,
}
LINE: dict[str, Any] = {"code": "urban", "name": "城市管理"}
DUTY: dict[str, Any] = {
    "code": "EX-001",
    "title": "市容环境管理",
    "category": "urban-01",
    "area": "440105",
    "lead_unit": "dept-urban-management",
    "assisting": [],
    "basis": "示例 (example)",
    **_ALWAYS,
}
RESPONSIBLE_DUTY: dict[str, Any] = {**DUTY, "responsible": True}
PROPOSAL: dict[str, Any] = {
    **{name: value for name, value in DUTY.items() if name != "valid_from"},
    "lead_unit": "440105003",
    "assisting": ["dept-urban-management"],
    "proposed_by": {"kind": "unit", "subject": "dept-urban-management", "unit": "dept-urban-management"},
    "proposed_at": "2026-11-23T01:00:00Z",
    "approved_by": None,
    "approved_at": None,
    "valid_from": None,
    "refused_by": None,
    "refused_at": None,
    "refused_reason": None,
}
ADMITTED: dict[str, Any] = {
    **PROPOSAL,
    "approved_by": {"kind": "ops", "subject": "ops"},
    "approved_at": "2026-11-24T01:00:00Z",
    "valid_from": "2026-12-31T16:00:00Z",
}
REFUSED: dict[str, Any] = {
    **PROPOSAL,
    "refused_by": {"kind": "ops", "subject": "ops"},
    "refused_at": "2026-11-24T01:00:00Z",
    "refused_reason": "街道尚无执法权,待下放后再议",
}
CHAIN: dict[str, Any] = {
    "grid_code": "440105003001001",
    "category": "urban-0110",
    "at": "2026-11-23T01:00:00Z",
    "calls": [
        {
            "level": 1,
            "level_name": "community",
            "unit": {"code": "440105003001", "name": "示例社区一(昌岗)"},
            "unrouted": False,
            "because": "the community of the cell",
        },
        {
            "level": 3,
            "level_name": "department",
            "unit": {"code": "dept-urban-management", "name": "区城市管理和综合执法局"},
            "unrouted": False,
            "because": "lead department of duty EX-001 (urban-01 in 440105)",
        },
    ],
}
IMPORTED: dict[str, Any] = {
    "dry_run": False,
    "changes": {"units": {"added": 0, "changed": 1, "closed": 0, "unchanged": 277, "first": ["dept-water"]}},
    "policy_activated": None,
    "calendar_days": 0,
    "open_incidents": 12,
    "warnings": [
        'units.csv was read as GB18030, as it is not UTF-8: look at its names, or save the file as "CSV UTF-8"'
    ],
}
