"""What the OpenAPI document shows: the figures of one community, computed and not written by hand."""

from __future__ import annotations

from typing import Any

from service.appraisal import views
from service.rules import world as worlds
from service.rules.figures.definition import Grouping, Measure, Period, Tallies, Tally, summed
from service.rules.figures.percentiles import Spread
from service.rules.words import Level, UnitKind
from service.rules.world import Unit, Validity

_PERIOD = Period(2026, 11)
_COMMUNITY = "440105003001"
_COUNTS = {
    Measure.CALLS: 40,
    Measure.ANSWERED_IN_TIME: 31,
    Measure.ANSWERED_LATE: 2,
    Measure.RESOLVED_LEVEL_1: 24,
    Measure.RESOLVED_IN_TIME: 22,
    Measure.MISSED_ANSWER: 5,
    Measure.EXEMPT_ANSWER: 1,
    Measure.MISSED_RESOLVE: 3,
    Measure.RAISED: 6,
    Measure.CLOSED: 1,
    Measure.OPEN: 1,
    Measure.REPORTER_RATED: 10,
}
_TALLY = Tally(summed(_COUNTS), 0, 43, Spread(3120.5, 12840.0), Spread(40210.0, 88000.25))
_FOUND = Tallies({_COMMUNITY: _TALLY}, _TALLY)
_UNIT = Unit(_COMMUNITY, "示例社区一(昌岗)", UnitKind.COMMUNITY, Level.COMMUNITY, Validity(_PERIOD.start))
_WORLD = worlds.build(1, units=[_UNIT])


def _shown() -> dict[str, Any]:
    page = views.page(_FOUND, _PERIOD, Grouping.UNIT, _WORLD, None)
    moments = {"from": "2026-10-31T16:00:00Z", "to": "2026-11-30T16:00:00Z"}
    return {**page, **moments, "policy": {"code": "example", "version": 1}}


FIGURES: dict[str, Any] = _shown()
SHEET = views.sheet(_FOUND, Grouping.UNIT, _WORLD, None).decode("utf-8-sig")
CALLS: dict[str, Any] = {
    "items": [
        {
            "incident": {
                "id": "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11",
                "number": "2026-000123",
                "url": "/v1/incidents/019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11",
            },
            "seq": 1,
            "level": 1,
            "unit": {"code": _COMMUNITY, "name": "示例社区一(昌岗)"},
            "cause": "report",
            "outcome": "no_answer",
            "opened_at": "2026-11-23T01:00:00Z",
            "answer_by": "2026-11-23T05:00:00Z",
            "answered_at": None,
            "resolve_by": None,
            "ended_at": "2026-11-23T05:00:00.012Z",
            "late_s": 0.012,
            "exempt": False,
            "rating": None,
            "outcome_rating": None,
            "answer_s": None,
            "resolve_s": None,
        }
    ],
    "next_cursor": None,
}
