"""Examples of policies and working days in the OpenAPI document."""

from __future__ import annotations

from typing import Any

DAY: dict[str, Any] = {
    "day": "2026-02-14",
    "workday": True,
    "source": "chinesecalendar 1.11.0",
    "note": "Spring Festival",
}
DAYS_CHANGED: dict[str, Any] = {
    "calendar": "cn",
    "days_changed": 365,
    "deadlines_looked_at": 3,
    "warnings": ["calendar cn does not know 2027-10-08, so deadlines there are provisional: run `sihu calendar seed`"],
}
COVERAGE: dict[str, Any] = {"calendar": "cn", "years": [{"year": 2026, "days_known": 365, "covered": True}]}
POLICY: dict[str, Any] = {
    "code": "example",
    "version": 1,
    "title": "示例时限 (example)",
    "active": True,
    "verify_s": 259200,
    "reopen_s": 604800,
    "calendar": "cn",
    "hours": ["08:00-12:00", "14:00-18:00"],
    "warn": [50, 80],
    "holds": {"times": 1, "longest_s": 31536000},
    "extensions": {"times": 2, "percent": 100},
    "returns": 2,
    "suggestion_s": 2592000,
    "deliberation_s": 5184000,
    "score": {"answered": 30, "resolved": 40, "street": 20, "reporter": 10},
    "rows": [
        {
            "level": 1,
            "urgency": "normal",
            "category": None,
            "answer_s": 14400,
            "resolve_s": 28800,
            "clock": "working",
        }
    ],
}
POLICY_VERSION: dict[str, Any] = {**POLICY, "activations": ["2026-10-31T16:00:00Z"]}
