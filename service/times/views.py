"""Policies and days as the API answers them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from service.rules.policy import Policy
from service.store.registry.calendars import Day


def policy(row: Policy, active: bool) -> dict[str, Any]:
    """Durations in seconds."""
    boxes = [
        {
            "level": level,
            "urgency": urgency,
            "category": box.category or None,
            "answer_s": box.answer_s,
            "resolve_s": box.resolve_s,
            "clock": box.clock,
        }
        for (level, urgency), rows in sorted(row.boxes.items())
        for box in rows
    ]
    return {
        "code": row.code,
        "version": row.version,
        "title": row.title,
        "active": active,
        "verify_s": row.verify_s,
        "reopen_s": row.reopen_s,
        "calendar": row.hours.calendar if row.hours else None,
        "hours": [f"{_clock(start)}-{_clock(end)}" for start, end in row.hours.spans] if row.hours else [],
        "warn": row.warn,
        "holds": {"times": row.holds, "longest_s": row.hold_s},
        "extensions": {"times": row.extensions, "percent": row.extend_percent},
        "returns": row.returns,
        "suggestion_s": row.suggestion_s,
        "deliberation_s": row.deliberation_s,
        "score": asdict(row.weights),
        "rows": boxes,
    }


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def day(row: Day) -> dict[str, Any]:
    return {"day": row.day.isoformat(), "workday": row.workday, "source": row.source, "note": row.note}
