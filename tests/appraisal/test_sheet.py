"""The columns of the files: of figures, of corrections, and of calls."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from service.appraisal.figures import MonthFigures
from service.appraisal.sheet import (
    call_columns,
    call_rows,
    correction_columns,
    correction_rows,
    figure_columns,
    figure_rows,
)
from service.rules.figures.corrections import COUNTED_FROM, CorrectedFigure
from service.rules.figures.definition import Grouping, Measure, Period, Tallies, Tally, summed
from service.web.languages import Language
from tests.rules.builders import COMMUNITY, NOW
from tests.shown.test_row import VIEWER

TALLY = Tally(summed({Measure.CALLS: 3, Measure.STREET_RATED: 2}), street_stars=7)
MONTH = MonthFigures(Period(2026, 11), Grouping.UNIT, Tallies({COMMUNITY: TALLY, "dept-a": TALLY}, TALLY), None)
CLOSED_AT = datetime(2026, 12, 5, tzinfo=UTC)


def _rows(month: MonthFigures) -> list[dict[str, Any]]:
    headings = [each.heading for each in figure_columns(Language.EN)]
    return [dict(zip(headings, row, strict=True)) for row in figure_rows(VIEWER, month, Language.EN)]


def test_figures_have_one_row_a_group_by_its_code() -> None:
    rows = _rows(MONTH)
    assert [row["group_code"] for row in rows] == [COMMUNITY, "dept-a"]
    assert (rows[0]["calls"], rows[0]["street_rating_mean"], rows[0]["score"]) == (3, 3.5, 70.0)
    assert (rows[0]["definition"], rows[0]["closed_at"]) == (None, None)


def test_a_closed_month_says_so_in_every_row() -> None:
    rows = _rows(replace(MONTH, closed_at=CLOSED_AT, begun_before=True))
    assert {(row["definition"], row["closed_at"]) for row in rows} == {("before", CLOSED_AT)}


def test_a_rate_stands_beside_its_counts_and_interval() -> None:
    counts = {Measure.ANSWERED_CREDITED: 1, Measure.ANSWERABLE: 2}
    [row] = _rows(replace(MONTH, tallies=Tallies({COMMUNITY: Tally(summed(counts))}, TALLY)))
    ends = [row[f"answered_in_time_{end}"] for end in ("n", "of", "rate", "low", "high")]
    assert ends == [1, 2, 0.5, pytest.approx(0.0945), pytest.approx(0.9055)]
    assert [row[f"resolved_in_time_{end}"] for end in ("n", "of", "rate", "low", "high")] == [0, 0, None, None, None]


@pytest.mark.parametrize("language", Language)
def test_every_correction_has_its_words(language: Language) -> None:
    corrected = [CorrectedFigure(COMMUNITY, name, 2, 1) for name in COUNTED_FROM]
    rows = [*correction_rows(VIEWER, replace(MONTH, corrections=corrected), language)]
    assert {len(row) for row in rows} == {len(correction_columns(language))}
    assert len({row[2] for row in rows}) == len(COUNTED_FROM)
    assert rows[0][3:] == [2, 1]


def test_a_call_in_chinese_has_words_for_codes() -> None:
    moments = dict.fromkeys(("answered_at", "resolve_by", "ended_at"), NOW)
    facts = ("box_used", "accountable", "accountable_seq", "held_s", "end_code", "late_s", "rating")
    marks: dict[str, Any] = {**dict.fromkeys(facts), "outcome_rating": 5, "outcome_mean": 460}
    marks |= dict.fromkeys(("late_exit", "withdrawn_late", "self_reported", "own_report", "extended", "exempt"), False)
    plain = {"incident_id": "019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", "number": "2026-000001", "seq": 1, "level": 1}
    rest = {"unit": COMMUNITY, "cause": "no_answer", "outcome": "resolved", "opened_at": NOW, "answer_by": NOW}
    stored = {**plain, **rest, **moments, **marks, "credit": "pending", "answer_us": 1_500_000, "resolve_us": None}
    shown = {}
    for language in Language:
        [row] = call_rows(VIEWER, [stored], language)
        shown[language] = dict(zip([each.heading for each in call_columns(Language.EN)], row, strict=True))
    words = ("level", "cause", "outcome", "credit")
    assert [shown[Language.ZH][name] for name in words] == ["社区", "超时未应", "办结", "待核实"]
    assert [shown[Language.EN][name] for name in words] == ["1", "no_answer", "resolved", "pending"]
    assert (shown[Language.EN]["answer_s"], shown[Language.EN]["outcome_rating"]) == (1.5, 4.6)
    assert not [each.heading for each in call_columns(Language.ZH) if each.heading.isascii()]
