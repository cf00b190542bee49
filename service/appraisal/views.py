"""Figures and the calls behind them as the API answers them in JSON. Every count has a link to the calls it counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import Any
from urllib.parse import urlencode

from service.appraisal.closing import ClosedMonth
from service.appraisal.figures import MonthFigures
from service.appraisal.shapes import (
    ClosedMonthView,
    CorrectionView,
    CountedCall,
    CountView,
    ExitCounts,
    FigureRow,
    FiguresView,
    GroupRow,
    LevelShares,
    MissCounts,
    RateView,
    RatingView,
    ScorePartsView,
    ScorePartView,
    SpreadView,
    WorkCounts,
)
from service.rules import ratings
from service.rules.figures import rates, scoring
from service.rules.figures.corrections import COUNTED_FROM, Amount, CorrectedFigure
from service.rules.figures.definition import RESOLVED_AT, Grouping, Measure, Period, Tally
from service.rules.figures.percentiles import Spread
from service.rules.figures.rates import Rate
from service.rules.figures.scoring import ScorePart
from service.rules.policy import FairPlay, Weights
from service.rules.sight import Viewer
from service.rules.words import Level
from service.shown.call import accountable
from service.shown.references import unit_name

FIGURES = "/v1/appraisal"
CALLS = f"{FIGURES}/calls"
_DIGITS = 4
"""Decimal places of shares and means."""


def page(viewer: Viewer, month: MonthFigures) -> FiguresView:
    """The whole answer: every group in the order of codes, the total, and what was corrected since the close."""
    found, policy, period, grouping = month.tallies, month.policy, month.period, month.grouping
    items: list[GroupRow] = [
        {
            "group": {"code": code, "name": name_of(viewer, grouping, code)},
            **_row(tally, month.rules, _Links(period, grouping, code)),
        }
        for code, tally in sorted(found.groups.items())
    ]
    return {
        "period": str(period),
        "from": period.start,
        "to": period.end,
        "group_by": grouping,
        "policy": {"code": policy.code, "version": policy.version} if policy else None,
        "items": items,
        "definition": month.definition,
        "closed_at": month.closed_at,
        "seed": month.seed,
        "corrections": [_correction(viewer, month, each) for each in month.corrections],
        "total": _row(found.total, month.rules, _Links(period, grouping, None)),
    }


def _correction(viewer: Viewer, month: MonthFigures, corrected: CorrectedFigure) -> CorrectionView:
    links = _Links(month.period, month.grouping, corrected.group)
    return {
        "group": {"code": corrected.group, "name": name_of(viewer, month.grouping, corrected.group)},
        "measure": corrected.name,
        "was": number_of(corrected.was),
        "is": number_of(corrected.now),
        "calls": links.to(COUNTED_FROM[corrected.name]),
    }


def number_of(amount: Amount) -> float:
    """A whole number as it is; stars that are means of several ratings with their hundredths."""
    return int(amount) if amount == int(amount) else float(amount)


def closed(month: ClosedMonth) -> ClosedMonthView:
    """The answer to a close: the same whenever it is asked for."""
    policy = month.closing.policy
    return {
        "period": str(month.period),
        "closed_at": month.closing.at,
        "calls": month.calls,
        "pending": month.pending,
        "policy": None if policy is None else {"code": policy[0], "version": policy[1]},
        "digest": month.closing.digest,
        "seed": month.seed,
        "figures": f"{FIGURES}?{urlencode({'period': str(month.period)})}",
    }


def name_of(viewer: Viewer, grouping: Grouping, code: str) -> str:
    """The name of a group as the registry has it now; a line that the registry no longer has is named by its code."""
    if grouping is Grouping.LEVEL:
        return Level(int(code)).name.lower()
    if grouping is Grouping.LINE:
        line = viewer.world.lines.get(code)
        return line.name if line else code
    return viewer.world.unit_name(code)


def _row(tally: Tally, rules: tuple[Weights, FairPlay], links: _Links) -> FigureRow:
    parts = scoring.parts(tally, *rules)
    return {
        **_work(tally, links),
        **_misses(tally, links),
        **_exits(tally, links),
        "answer_s": _spread(tally.answer_s, links.to(Measure.ANSWERED)),
        "resolve_s": _spread(tally.resolve_s, links.to(Measure.RESOLVED)),
        "resolved_at_level": _level_shares(tally),
        "street_rating": _rating(_count(tally, links, Measure.STREET_RATED), tally.street_stars),
        "reporter_rating": _rating(_count(tally, links, Measure.REPORTER_RATED), tally.reporter_stars),
        "rates": {
            "answered_in_time": _rate(rates.answered_in_time(tally)),
            "resolved_in_time": _rate(rates.resolved_in_time(tally)),
        },
        "score": scoring.score(parts),
        "score_parts": _score_parts(parts, links),
    }


def _count(tally: Tally, links: _Links, measure: Measure) -> CountView:
    return {"n": tally.counts[measure], "calls": links.to(measure)}


def _work(tally: Tally, links: _Links) -> WorkCounts:
    count = partial(_count, tally, links)
    return {
        "calls": count(Measure.CALLS),
        "answered": count(Measure.ANSWERED),
        "answered_in_time": count(Measure.ANSWERED_IN_TIME),
        "answered_late": count(Measure.ANSWERED_LATE),
        "answered_by_member": count(Measure.ANSWERED_BY_MEMBER),
        "resolved": count(Measure.RESOLVED),
        "resolved_in_time": count(Measure.RESOLVED_IN_TIME),
        "unverified": count(Measure.UNVERIFIED),
        "pending": count(Measure.PENDING),
        "rejected": count(Measure.REJECTED),
        "reopened": count(Measure.REOPENED),
        "resolved_level_1": count(Measure.RESOLVED_LEVEL_1),
        "resolved_level_2": count(Measure.RESOLVED_LEVEL_2),
        "resolved_level_3": count(Measure.RESOLVED_LEVEL_3),
        "resolved_level_4": count(Measure.RESOLVED_LEVEL_4),
    }


def _misses(tally: Tally, links: _Links) -> MissCounts:
    count = partial(_count, tally, links)
    return {
        "missed": count(Measure.MISSED),
        "missed_answer": count(Measure.MISSED_ANSWER),
        "missed_resolve": count(Measure.MISSED_RESOLVE),
        "accountable": count(Measure.ACCOUNTABLE),
        "exempt": count(Measure.EXEMPT),
        "exempt_answer": count(Measure.EXEMPT_ANSWER),
        "exempt_resolve": count(Measure.EXEMPT_RESOLVE),
        "late_exit": count(Measure.LATE_EXIT),
        "late_exit_answer": count(Measure.LATE_EXIT_ANSWER),
        "late_exit_resolve": count(Measure.LATE_EXIT_RESOLVE),
    }


def _exits(tally: Tally, links: _Links) -> ExitCounts:
    count = partial(_count, tally, links)
    return {
        "raised": count(Measure.RAISED),
        "returned": count(Measure.RETURNED),
        "returned_in_error": count(Measure.RETURNED_IN_ERROR),
        "assigned": count(Measure.ASSIGNED),
        "corrected": count(Measure.CORRECTED),
        "multi_hop": count(Measure.MULTI_HOP),
        "closed": count(Measure.CLOSED),
        "merged": count(Measure.MERGED),
        "voided": count(Measure.VOIDED),
        "voided_in_error": count(Measure.VOIDED_IN_ERROR),
        "withdrawn_late": count(Measure.WITHDRAWN_LATE),
        "open": count(Measure.OPEN),
        "self_reported": count(Measure.SELF_REPORTED),
        "holds": count(Measure.HOLDS),
        "held_s": {"n": tally.held_s, "calls": links.to(Measure.HOLDS)},
        "extended": count(Measure.EXTENDED),
    }


def _spread(seconds: Spread, calls: str) -> SpreadView:
    return {"median": seconds.median, "p90": seconds.p90, "calls": calls}


def _rating(count: CountView, stars: int | Fraction) -> RatingView:
    return {"n": count["n"], "calls": count["calls"], "mean": mean_of(stars, count["n"])}


def _score_parts(parts: Mapping[str, ScorePart], links: _Links) -> ScorePartsView:
    def part(name: str) -> ScorePartView:
        found = parts[name]
        calls = links.to(scoring.COUNTED[name])
        return {"n": float(found.n), "of": float(found.of), "weight": found.weight, "calls": calls}

    return {
        "answered": part("answered"),
        "resolved": part("resolved"),
        "street": part("street"),
        "reporter": part("reporter"),
    }


def _rate(rate: Rate) -> RateView:
    return {"n": rate.n, "of": rate.of, "rate": rate.rate, "low": rate.low, "high": rate.high}


def _level_shares(tally: Tally) -> LevelShares:
    shares = shares_of(tally)
    return {
        "1": shares[Level.COMMUNITY],
        "2": shares[Level.STREET],
        "3": shares[Level.DEPARTMENT],
        "4": shares[Level.LEADER],
    }


@dataclass(frozen=True, slots=True)
class _Links:
    """The queries that list the calls of one group's figures; when `code` is None, of all groups together."""

    period: Period
    grouping: Grouping
    code: str | None

    def to(self, measure: Measure) -> str:
        """The query that lists the calls of one figure."""
        group = {} if self.code is None else {"group": self.code}
        query = {"period": str(self.period), "group_by": self.grouping, **group, "measure": measure}
        return f"{CALLS}?{urlencode(query)}"


def shares_of(tally: Tally) -> dict[Level, float | None]:
    """The share of the resolved calls that was resolved at each level; None when no call was resolved."""
    return {level: mean_of(tally.counts[part], tally.counts[Measure.RESOLVED]) for level, part in RESOLVED_AT.items()}


def mean_of(total: int | Fraction, many: int) -> float | None:
    """The quotient of `total` and `many`, to four decimal places; None when `many` is 0."""
    return round(float(total) / many, _DIGITS) if many else None


# --- one call -------------------------------------------------------------------------------------------------------


def call(viewer: Viewer, stored: Mapping[Any, Any]) -> CountedCall:
    """One row of a list of calls. `stored` is a row of `call` with the number of its incident."""
    incident_id = stored["incident_id"]
    return {
        "incident": {"id": incident_id, "number": stored["number"], "url": f"/v1/incidents/{incident_id}"},
        "seq": stored["seq"],
        "level": stored["level"],
        "unit": unit_name(viewer, stored["unit"]),
        "cause": stored["cause"],
        "outcome": stored["outcome"],
        "opened_at": stored["opened_at"],
        "answer_by": stored["answer_by"],
        "answered_at": stored["answered_at"],
        "resolve_by": stored["resolve_by"],
        "ended_at": stored["ended_at"],
        "late_s": stored["late_s"],
        "exempt": stored["exempt"],
        "credit": stored["credit"],
        "box_used": stored["box_used"],
        "late_exit": stored["late_exit"],
        "withdrawn_late": stored["withdrawn_late"],
        "self_reported": stored["self_reported"],
        "own_report": stored["own_report"],
        "accountable": accountable(stored["accountable"], stored["accountable_seq"]),
        "held_s": stored["held_s"],
        "extended": stored["extended"],
        "end_code": stored["end_code"],
        "rating": stored["rating"],
        "outcome_rating": ratings.stars(stored["outcome_rating"], stored["outcome_mean"]),
        "answer_s": _seconds(stored["answer_us"]),
        "resolve_s": _seconds(stored["resolve_us"]),
    }


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 10**6
