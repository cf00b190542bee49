"""One incident's story as the OpenAPI document shows it: the same ids in every example, so that they fit together."""

from __future__ import annotations

from typing import Any

from service.shown.row import EXAMPLE as ROW

_ID = ROW["id"]
_COMMUNITY, _STREET = "440105003001", "440105003"

_CALL: dict[str, Any] = {
    "seq": 1,
    "level": 1,
    "round": 1,
    "unit": _COMMUNITY,
    "from_unit": None,
    "cause": "report",
    "ground": None,
    "reason": None,
    "opened_at": "2026-11-23T01:00:00Z",
    "answer_by": "2026-11-23T05:00:00Z",
    "resolve_by": None,
    "clock": "continuous",
    "answered_at": None,
    "answer": None,
    "ended_at": None,
    "ended_by": None,
    "outcome": None,
    "result": None,
    "end_code": None,
    "end_reason": None,
    "late_s": None,
    "binding": False,
    "assisting": [],
    "rating": None,
    "attachments": [],
    "end_duty": None,
    "parts_done": [],
    "outcome_rating": None,
    "appeal": None,
    "exempt": False,
}

INCIDENT: dict[str, Any] = {**ROW, "calls": [_CALL], "requests": []}
INCIDENT_LIST: dict[str, Any] = {"items": [ROW], "next_cursor": None}
BATCH: dict[str, Any] = {
    "results": [
        {"index": 0, "status": 201, "incident": ROW},
        {
            "index": 1,
            "status": 422,
            "problem": {
                "type": "urn:sihu:problem:unknown_cell",
                "title": "No such grid cell",
                "status": 422,
                "code": "unknown_cell",
                "detail": "Grid cell 440105003001999 is not in the registry: see GET /v1/grid-cells.",
                "instance": "/v1/incidents/batch",
                "errors": [{"pointer": "/items/1/grid_code", "detail": "not in the registry"}],
            },
        },
    ]
}
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "41-1",
    "source": "/sihu/440105",
    "type": "sihu.incident.reported",
    "subject": _ID,
    "time": "2026-11-23T01:00:00Z",
    "datacontenttype": "application/json",
    "sequence": "0000000001",
    "data": {
        "incident": {
            "id": _ID,
            "number": "2026-000123",
            "kind": "incident",
            "grid_code": "440105003001001",
            "category": "urban-0110",
            "urgency": "normal",
            "state": "calling",
            "level": 1,
            "unit": _COMMUNITY,
            "due_at": "2026-11-23T05:00:00Z",
            "due_kind": "answer",
            "version": 1,
        },
        "call": 1,
        "by": {"kind": "reporter", "subject": "worker-17"},
        "note": None,
    },
}
SIMILAR: dict[str, Any] = {
    "items": [{**ROW, "same_cell": True, "same_category": True, "distance_m": 12.4, "hours_apart": 1.5}],
    "next_cursor": None,
}
TIMELINE: dict[str, Any] = {"items": [EVENT], "next_cursor": None}
DEADLINE: dict[str, Any] = {
    "due_at": "2026-11-24T01:00:00Z",
    "due_kind": "answer",
    "policy": {"code": "example", "version": 1},
    "row": {"level": 1, "urgency": "normal", "category": None, "answer_s": 14400, "resolve_s": 28800},
    "clock": "working",
    "calendar": "cn",
    "box": "answer",
    "box_s": 14400,
    "start": "2026-11-23T07:00:00Z",
    "segments": [
        {"from": "2026-11-23T07:00:00Z", "to": "2026-11-23T10:00:00Z", "counted_s": 10800.0},
        {"from": "2026-11-24T00:00:00Z", "to": "2026-11-24T01:00:00Z", "counted_s": 3600.0},
    ],
    "adjusted_by": [],
    "counted_s": 14400.0,
    "left_s": None,
    "provisional": False,
}
PLAN: dict[str, Any] = {
    "items": [
        {
            "at": "2026-11-23T05:00:00Z",
            "arrow": "no_answer",
            "level": 2,
            "unit": _STREET,
            "because": "the street of the cell",
        }
    ]
}
