"""The example in the OpenAPI document: the figures of one community, made by the code that answers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from service.appraisal.closing import ClosedMonth
from service.appraisal.figures import MonthFigures
from service.appraisal.shapes import ClosedMonthView, CountedCall, FiguresView
from service.appraisal.sheet import figure_columns, figure_rows
from service.appraisal.views import call, closed, page
from service.rules import world as worlds
from service.rules.figures.corrections import CorrectedFigure
from service.rules.figures.definition import Grouping, Measure, Period, Tallies, Tally, summed
from service.rules.figures.percentiles import Spread
from service.rules.model import Actor
from service.rules.policy import Box, Policy
from service.rules.sight import Viewer
from service.rules.words import Cause, ClockKind, Level, Outcome, Role, UnitKind, Urgency
from service.rules.world import Unit, Validity
from service.sheets.csv_files import CsvFile
from service.store.figures.months import Closing
from service.web.languages import Language
from service.web.paging import ItemPage

PERIOD = Period(2026, 11)
COMMUNITY = "440105003001"
_COUNTS = {
    Measure.CALLS: 40,
    Measure.ANSWERED_IN_TIME: 31,
    Measure.ANSWERED_LATE: 2,
    Measure.RESOLVED_LEVEL_1: 24,
    Measure.RESOLVED_IN_TIME: 18,
    Measure.UNVERIFIED: 3,
    Measure.REJECTED: 1,
    Measure.PENDING: 1,
    Measure.MISSED_ANSWER: 5,
    Measure.EXEMPT_ANSWER: 1,
    Measure.MISSED_RESOLVE: 3,
    Measure.LATE_EXIT: 1,
    Measure.LATE_EXIT_RESOLVE: 1,
    Measure.RAISED: 6,
    Measure.CLOSED: 1,
    Measure.OPEN: 1,
    Measure.ANSWERABLE: 37,
    Measure.ANSWERED_CREDITED: 31,
    Measure.RESOLVABLE: 26,
    Measure.RESOLVED_CREDITED: 18,
    Measure.UNVERIFIED_CREDITED: 3,
    Measure.REPORTER_RATED: 10,
}
_TALLY = Tally(summed(_COUNTS), 0, 43, Spread(3120.5, 12840.0), Spread(40210.0, 88000.25))
_FOUND = Tallies({COMMUNITY: _TALLY}, _TALLY)
_UNIT = Unit(COMMUNITY, "示例社区一(昌岗)", UnitKind.COMMUNITY, Level.COMMUNITY, Validity(PERIOD.start))
_BOXES = {(level, urgency): (Box(14_400, 28_800, ClockKind.WORKING),) for level in Level for urgency in Urgency}
_POLICY = Policy("example", 1, _BOXES, verify_s=259_200, reopen_s=604_800)
VIEWER = Viewer(Actor(Role.AUDITOR, "auditor"), worlds.build(1, units=[_UNIT]), PERIOD.end)
_OPENED_AT = datetime(2026, 11, 23, 1, tzinfo=UTC)
_STORED: Mapping[str, Any] = {
    "incident_id": UUID("019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11"),
    "number": "2026-000123",
    "seq": 1,
    "level": 1,
    "unit": COMMUNITY,
    "cause": Cause.REPORT,
    "outcome": Outcome.NO_ANSWER,
    "opened_at": _OPENED_AT,
    "answer_by": _OPENED_AT + timedelta(hours=4),
    "answered_at": None,
    "resolve_by": None,
    "ended_at": _OPENED_AT + timedelta(hours=4, milliseconds=12),
    "late_s": 0.012,
    "exempt": False,
    "credit": None,
    "box_used": 100,
    "late_exit": False,
    "withdrawn_late": False,
    "self_reported": False,
    "own_report": False,
    "accountable": None,
    "accountable_seq": None,
    "held_s": None,
    "extended": False,
    "end_code": None,
    "rating": None,
    "outcome_rating": None,
    "outcome_mean": None,
    "answer_us": None,
    "resolve_us": None,
}

_SEED = "3b1f8f0a5d1c4e7299aa0c7d2f4b6e8100112233445566778899aabbccddeeff"
_CLOSED_AT = PERIOD.end + timedelta(days=5)
_APPEALED = [
    CorrectedFigure(COMMUNITY, Measure.EXEMPT_ANSWER, 1, 2),
    CorrectedFigure(COMMUNITY, Measure.ANSWERABLE, 37, 36),
]
_MONTH = MonthFigures(PERIOD, Grouping.UNIT, _FOUND, _POLICY, closed_at=_CLOSED_AT, seed=_SEED, corrections=_APPEALED)
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def _csv() -> str:
    with CsvFile() as file:
        file.begin("", figure_columns(Language.EN))
        file.add(figure_rows(VIEWER, _MONTH, Language.EN))
        return file.content().decode("utf-8-sig")


FIGURES: FiguresView = page(VIEWER, _MONTH)
SHEET = _csv()
CLOSED: ClosedMonthView = closed(ClosedMonth(PERIOD, Closing(_CLOSED_AT, ("example", 1), _DIGEST), 40, 1, _SEED))
CALLS: ItemPage[CountedCall] = {"items": [call(VIEWER, _STORED)], "next_cursor": None}
