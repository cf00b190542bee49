"""Figures in JSON: every measure has its place and opens its own calls."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from service.appraisal.examples import FIGURES
from service.appraisal.figures import MonthFigures
from service.appraisal.shapes import CountedCall, FigureRow, FiguresView, ScorePartsView
from service.appraisal.views import CALLS, call, mean_of, name_of, page, shares_of
from service.rules.figures import scoring
from service.rules.figures.corrections import COUNTED_FROM, CorrectedFigure
from service.rules.figures.definition import SCORED, Grouping, Measure, Period, Tallies, Tally, summed
from service.rules.words import Level
from tests.rules.builders import COMMUNITY, NOW
from tests.shapes import check
from tests.shown.test_row import VIEWER

MONTH = Period(2026, 11)
NOTHING = Tally(summed({}))
RATED = {Measure.STREET_RATED: "street_rating", Measure.REPORTER_RATED: "reporter_rating"}


def test_figures_have_exactly_their_shape() -> None:
    for grouping, code in ((Grouping.UNIT, COMMUNITY), (Grouping.LEVEL, "1"), (Grouping.LINE, "urban")):
        month = MonthFigures(MONTH, grouping, Tallies({code: NOTHING}, NOTHING), None)
        check(FiguresView, page(VIEWER, month))
        corrected = [CorrectedFigure(code, name, 1, Fraction(5, 2)) for name in COUNTED_FROM]
        shown = check(FiguresView, page(VIEWER, replace(month, closed_at=NOW, corrections=corrected)))
        assert (shown["closed_at"], shown["corrections"][0]["is"]) == ("2026-11-23T01:00:00Z", 2.5)


def test_every_measure_has_a_place_in_a_row() -> None:
    plain = {RATED.get(measure, measure.value) for measure in Measure if measure not in SCORED}
    assert plain <= set(FigureRow.__annotations__)
    assert set(ScorePartsView.__annotations__) == set(scoring.COUNTED)


def test_every_link_lists_the_calls_of_its_own_figure() -> None:
    row: Any = FIGURES["items"][0]
    for measure in Measure:
        if measure in SCORED:
            continue
        link = urlsplit(row[RATED.get(measure, measure.value)]["calls"])
        query = {"period": ["2026-11"], "group_by": ["unit"], "group": ["440105003001"], "measure": [measure.value]}
        assert (link.path, parse_qs(link.query)) == (CALLS, query)
    assert "group=" not in FIGURES["total"]["calls"]["calls"]


@pytest.mark.clause("ASVS 1.2.2")
def test_a_link_keeps_an_odd_code_whole() -> None:
    code = "a&b=c?/#% 城"
    shown: Any = page(VIEWER, MonthFigures(MONTH, Grouping.LINE, Tallies({code: NOTHING}, NOTHING), None))
    link = urlsplit(shown["items"][0]["calls"]["calls"])
    assert (link.scheme, link.netloc, link.path) == ("", "", CALLS)
    assert parse_qs(link.query)["group"] == [code]


def test_without_calls_there_is_no_share_and_no_score() -> None:
    row: Any = page(VIEWER, MonthFigures(MONTH, Grouping.UNIT, Tallies({}, NOTHING), None))["total"]
    assert set(row["resolved_at_level"].values()) == {None}
    assert {row["score"], row["street_rating"]["mean"], row["answer_s"]["median"]} == {None}


@pytest.mark.parametrize(("total", "many", "mean"), [(0, 0, None), (0, 3, 0.0), (2, 3, 0.6667), (10, 2, 5.0)])
def test_a_mean_has_four_places(total: int, many: int, mean: float | None) -> None:
    assert mean_of(total, many) == mean


def test_shares_are_of_what_was_resolved() -> None:
    tally = Tally(summed({Measure.RESOLVED_LEVEL_1: 3, Measure.RESOLVED_LEVEL_3: 1}))
    assert shares_of(tally) == {
        Level.COMMUNITY: 0.75,
        Level.STREET: 0.0,
        Level.DEPARTMENT: 0.25,
        Level.LEADER: 0.0,
    }


def test_a_group_is_named_by_its_kind() -> None:
    assert name_of(VIEWER, Grouping.LEVEL, "3") == "department"
    assert name_of(VIEWER, Grouping.LINE, "urban") == "Urban"
    assert name_of(VIEWER, Grouping.LINE, "gone") == "gone"
    assert name_of(VIEWER, Grouping.STREET, COMMUNITY) == f"the community {COMMUNITY}"


def test_a_call_shows_seconds_without_what_was_on_hold() -> None:
    moments = dict.fromkeys(("answered_at", "resolve_by", "ended_at"), NOW)
    plain = {"incident_id": "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", "number": "2026-000001", "seq": 1, "level": 1}
    rest = {"unit": COMMUNITY, "cause": "report", "outcome": "resolved", "opened_at": NOW, "answer_by": NOW}
    facts = ("credit", "box_used", "accountable", "accountable_seq", "held_s", "end_code", "late_s", "rating")
    marks: dict[str, Any] = {**dict.fromkeys(facts), "outcome_rating": 5, "outcome_mean": 460}
    marks |= dict.fromkeys(("late_exit", "withdrawn_late", "self_reported", "own_report", "extended", "exempt"), False)
    stored = {**plain, **rest, **moments, **marks, "answer_us": 1_500_000, "resolve_us": None}
    shown = check(CountedCall, call(VIEWER, stored))
    assert (shown["answer_s"], shown["resolve_s"]) == (1.5, None)
    assert shown["outcome_rating"] == 4.6, "of several reporters"
