"""The columns of the files for spreadsheets: the figures of a month, its corrections, and the calls behind a figure.

Each table is described once; CSV and workbook show the same columns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Any

from service.appraisal.figures import MonthFigures
from service.appraisal.headings import call_heading, heading
from service.appraisal.views import mean_of, name_of, number_of, shares_of
from service.rules import ratings
from service.rules.figures import rates, scoring
from service.rules.figures.definition import SCORED, Grouping, Measure, Tally
from service.rules.figures.rates import Rate
from service.rules.policy import FairPlay, Weights
from service.rules.sight import Viewer
from service.rules.words import Cause, Credit, Level, Outcome
from service.sheets.columns import CellStyle, WrittenCell, WrittenColumn, WrittenRow
from service.web import languages
from service.web.languages import Language

_COUNTS = [measure for measure in Measure if measure not in SCORED]  # the JSON has the others as `of` alone
_TIMES = ("answer_s", "resolve_s")
_RATES = ("answered_in_time", "resolved_in_time")
_FIGURES: Mapping[str, CellStyle] = {
    "group_code": CellStyle.CODE,
    "group_name": CellStyle.NAME,
    **{measure.value: CellStyle.COUNT for measure in _COUNTS},
    **{f"{name}_{percentile}": CellStyle.NUMBER for name in _TIMES for percentile in ("median", "p90")},
    **{f"resolved_at_level_{level.value}": CellStyle.SHARE for level in Level},
    "held_s": CellStyle.COUNT,
    **{f"{name}_{end}": CellStyle.COUNT for name in _RATES for end in ("n", "of")},
    **{f"{name}_{end}": CellStyle.SHARE for name in _RATES for end in ("rate", "low", "high")},
    "street_rating_mean": CellStyle.NUMBER,
    "reporter_rating_mean": CellStyle.NUMBER,
    "score": CellStyle.NUMBER,
    "definition": CellStyle.CODE,
    "closed_at": CellStyle.TIME,
}
_CORRECTIONS: Mapping[str, CellStyle] = {
    "group_code": CellStyle.CODE,
    "group_name": CellStyle.NAME,
    "measure": CellStyle.NAME,
    "was": CellStyle.COUNT,
    "is": CellStyle.COUNT,
}
_CALLS: Mapping[str, CellStyle] = {
    "number": CellStyle.CODE,
    "seq": CellStyle.COUNT,
    "level": CellStyle.CODE,
    "unit_code": CellStyle.CODE,
    "unit_name": CellStyle.NAME,
    **dict.fromkeys(("cause", "outcome"), CellStyle.CODE),
    **dict.fromkeys(("opened_at", "answer_by", "answered_at", "resolve_by", "ended_at"), CellStyle.TIME),
    "late_s": CellStyle.NUMBER,
    "exempt": CellStyle.COUNT,
    "credit": CellStyle.CODE,
    "box_used": CellStyle.COUNT,
    **dict.fromkeys(("late_exit", "withdrawn_late", "self_reported", "own_report"), CellStyle.COUNT),
    "accountable_unit": CellStyle.CODE,
    "accountable_seq": CellStyle.COUNT,
    "held_s": CellStyle.COUNT,
    "extended": CellStyle.COUNT,
    "end_code": CellStyle.CODE,
    "rating": CellStyle.COUNT,
    **dict.fromkeys(("outcome_rating", "answer_s", "resolve_s"), CellStyle.NUMBER),
    "incident_id": CellStyle.NAME,
}


# --- the figures of a month -------------------------------------------------------------------------------------------


def figure_columns(language: Language) -> list[WrittenColumn]:
    """The columns of the figures of a month."""
    return [WrittenColumn(heading(name, language), style) for name, style in _FIGURES.items()]


def figure_rows(viewer: Viewer, month: MonthFigures, language: Language) -> Iterator[WrittenRow]:
    """One row for each group, in the order of codes."""
    known = {"definition": month.definition, "closed_at": month.closed_at}
    for code, tally in sorted(month.tallies.groups.items()):
        group = {"group_code": code, "group_name": _name(viewer, month.grouping, code, language)}
        row = {**group, **_figures(tally, month.rules), **known}
        yield [row[name] for name in _FIGURES]


def _name(viewer: Viewer, grouping: Grouping, code: str, language: Language) -> str:
    if grouping is Grouping.LEVEL and language is Language.ZH:
        return languages.text(Level(int(code)), language)
    return name_of(viewer, grouping, code)


def _figures(tally: Tally, rules: tuple[Weights, FairPlay]) -> dict[str, WrittenCell]:
    spreads = {"answer_s": tally.answer_s, "resolve_s": tally.resolve_s}
    return {
        **{measure.value: tally.counts[measure] for measure in _COUNTS},
        **{f"{name}_{percentile}": s for name, spread in spreads.items() for percentile, s in spread._asdict().items()},
        **{f"resolved_at_level_{level.value}": share for level, share in shares_of(tally).items()},
        "held_s": tally.held_s,
        **_rate("answered_in_time", rates.answered_in_time(tally)),
        **_rate("resolved_in_time", rates.resolved_in_time(tally)),
        "street_rating_mean": mean_of(tally.street_stars, tally.counts[Measure.STREET_RATED]),
        "reporter_rating_mean": mean_of(tally.reporter_stars, tally.counts[Measure.REPORTER_RATED]),
        "score": scoring.score(scoring.parts(tally, *rules)),
    }


def _rate(name: str, rate: Rate) -> dict[str, WrittenCell]:
    return {f"{name}_{part}": value for part, value in rate._asdict().items()}


# --- what was corrected since its close -------------------------------------------------------------------------------


def correction_columns(language: Language) -> list[WrittenColumn]:
    """The columns of the corrections of a closed month."""
    return [WrittenColumn(heading(name, language), style) for name, style in _CORRECTIONS.items()]


def correction_rows(viewer: Viewer, month: MonthFigures, language: Language) -> Iterator[WrittenRow]:
    """One row for each figure that has another value by now."""
    for each in month.corrections:
        name = _name(viewer, month.grouping, each.group, language)
        yield [each.group, name, heading(each.name, language), number_of(each.was), number_of(each.now)]


# --- the calls behind a figure ----------------------------------------------------------------------------------------


def call_columns(language: Language) -> list[WrittenColumn]:
    """The columns of the calls behind a figure."""
    return [WrittenColumn(call_heading(name, language), style) for name, style in _CALLS.items()]


def call_rows(viewer: Viewer, calls: Iterable[Mapping[Any, Any]], language: Language) -> Iterator[WrittenRow]:
    """One row for each call: rows of `call` with the numbers of their incidents."""
    for call in calls:
        made: dict[str, WrittenCell] = {
            "incident_id": str(call["incident_id"]),
            "level": _word(Level(call["level"]), language),
            "unit_code": call["unit"],
            "unit_name": viewer.world.unit_name(call["unit"]),
            "cause": _word(Cause(call["cause"]), language),
            "outcome": None if call["outcome"] is None else _word(Outcome(call["outcome"]), language),
            "credit": None if call["credit"] is None else _word(Credit(call["credit"]), language),
            "accountable_unit": call["accountable"],
            "outcome_rating": ratings.stars(call["outcome_rating"], call["outcome_mean"]),
            "answer_s": _seconds(call["answer_us"]),
            "resolve_s": _seconds(call["resolve_us"]),
        }
        yield [made[name] if name in made else call[name] for name in _CALLS]


def _word(word: Enum, language: Language) -> str:
    return languages.text(word, language)


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 10**6
