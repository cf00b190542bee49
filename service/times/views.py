"""Policies and calendars as the API answers them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.policy import Policy
from service.rules.words import ClockKind, Level, Urgency
from service.rules.world import World
from service.shown.changes import ChangedRow, between
from service.store.registry.calendars import Day


class TimeBoxesView(TypedDict):
    """The time boxes of one level, urgency and category prefix; `category` is null for all other categories."""

    level: Level
    urgency: Urgency
    category: str | None
    answer_s: int
    resolve_s: int
    clock: ClockKind


class HoldLimitsView(TypedDict):
    """How many holds one incident may have, and how long one may last."""

    times: int
    longest_s: int


class ExtensionLimitsView(TypedDict):
    """How many extensions one incident may have, and how many percent of its box one may add."""

    times: int
    percent: int


class WeightsView(TypedDict):
    """How much each part of a unit's score counts."""

    answered: int
    resolved: int
    street: int
    reporter: int


class DailyLimitsView(TypedDict):
    """How many reports one subject may send on one day, and how many urgent ones."""

    reports: int
    urgent: int


class PolicyView(TypedDict):
    """One version of a policy, with durations in seconds. `active`: incidents are reported under it now."""

    code: str
    version: int
    title: str
    active: bool
    verify_s: int
    reopen_s: int
    calendar: str | None
    hours: list[str]
    warn: tuple[int, ...]
    holds: HoldLimitsView
    extensions: ExtensionLimitsView
    returns: int
    suggestion_s: int
    deliberation_s: int
    score: WeightsView
    late: int
    late_exit: int
    unverified: int
    spot_check: int
    appeal_s: int
    quota: DailyLimitsView
    rows: list[TimeBoxesView]


class PolicyVersionView(PolicyView):
    """One version with the instants of its past and future activations."""

    activations: list[datetime]


class DayView(TypedDict):
    """One day of a calendar, and the authority for it."""

    day: str
    workday: bool
    source: str
    note: str | None


class DaysChangedView(TypedDict):
    """How many days a request changed, and how many running deadlines the engine checks because of it. `warnings`:
    which days the policies in force need and the calendar does not know."""

    calendar: str
    days_changed: int
    deadlines_looked_at: int
    warnings: list[str]


class YearView(TypedDict):
    """How many days of a year a calendar knows; `covered`: all of them."""

    year: int
    days_known: int
    covered: bool


class CoverageView(TypedDict):
    """The years of a calendar."""

    calendar: str
    years: list[YearView]


def policy(row: Policy, active: bool) -> PolicyView:
    """Return one version of a policy as the API shows it."""
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
        "score": _weights(row),
        "late": row.fair_play.late,
        "late_exit": row.fair_play.late_exit,
        "unverified": row.fair_play.unverified,
        "spot_check": row.fair_play.spot_check,
        "appeal_s": row.fair_play.appeal_s,
        "quota": {"reports": row.fair_play.reports, "urgent": row.fair_play.urgent},
        "rows": _rows(row),
    }


def policy_version(row: Policy, world: World, now: datetime) -> PolicyVersionView:
    """Return one version of a policy, with every instant from which it was, is or will be in force."""
    activations = [each.at for each in world.activations if (each.code, each.version) == (row.code, row.version)]
    return {**policy(row, world.active(now) == row), "activations": activations}


def differences(before: Policy | None, after: Policy) -> list[ChangedRow]:
    """Return what one policy has that another one has not: its own values, and row by row its time boxes. A row that
    only the other one has becomes null."""
    old, new = ({} if each is None else _values(each) for each in (before, after))
    new |= {name: dict.fromkeys(values) for name, values in old.items() if name not in new}
    found = ((name, between(old.get(name), values)) for name, values in new.items())
    return [{"of": "policy", "row": name, "changes": changes} for name, changes in found if changes]


def _values(row: Policy) -> dict[str, dict[str, Any]]:
    """Return the values of a policy, by the name of the row in which they stand."""
    shown: dict[str, Any] = {**policy(row, active=False)}
    boxes = shown.pop("rows")
    own: dict[str, Any] = {}
    for name, value in shown.items():
        if name not in ("code", "version", "active"):
            own |= {f"{name}.{each}": one for each, one in value.items()} if isinstance(value, dict) else {name: value}
    found = {"": own}
    for box in boxes:
        place = f"{box['level']} {box['urgency'].value} {box['category'] or '-'}"
        found[place] = {name: box[name] for name in ("answer_s", "resolve_s", "clock")}
    return found


def day(row: Day) -> DayView:
    """Return one day as the API shows it."""
    return {"day": row.day.isoformat(), "workday": row.workday, "source": row.source, "note": row.note}


def coverage(calendar: str, years: Iterable[tuple[int, int, int]]) -> CoverageView:
    """Return the coverage of a calendar from its years: (year, days known, days it has)."""
    rows: list[YearView] = [
        {"year": year, "days_known": known, "covered": known == days} for year, known, days in years
    ]
    return {"calendar": calendar, "years": rows}


def _weights(row: Policy) -> WeightsView:
    weights = row.weights
    return {
        "answered": weights.answered,
        "resolved": weights.resolved,
        "street": weights.street,
        "reporter": weights.reporter,
    }


def _rows(row: Policy) -> list[TimeBoxesView]:
    return [
        {
            "level": level,
            "urgency": urgency,
            "category": box.category or None,
            "answer_s": box.answer_s,
            "resolve_s": box.resolve_s,
            "clock": box.clock,
        }
        for (level, urgency), boxes in sorted(row.boxes.items())
        for box in boxes
    ]


def _clock(minute: int) -> str:
    """Return a minute of the day as text: 480 becomes "08:00"."""
    return f"{minute // 60:02}:{minute % 60:02}"
