"""Figures as the API answers them: JSON where every count opens, and CSV for a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from service.rules.figures import scoring
from service.rules.figures.definition import RESOLVED_AT, SCORED, Grouping, Measure, Period, Tallies, Tally
from service.rules.policy import Policy, Weights
from service.rules.words import Level
from service.rules.world import World

CALLS = "/v1/appraisal/calls"
_RATED = {"street_rating": Measure.STREET_RATED, "reporter_rating": Measure.REPORTER_RATED}
_COUNTS = [measure for measure in Measure if measure not in SCORED]  # those stand in the parts of the score
_IN_ROWS = [measure for measure in _COUNTS if measure not in _RATED.values()]
_BOM = "\ufeff"
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def page(found: Tallies, period: Period, grouping: Grouping, world: World, policy: Policy | None) -> dict[str, Any]:
    """The whole answer: every group by code, and the total."""
    weights = policy.weights if policy else Weights()
    items = [
        {
            "group": {"code": code, "name": name_of(grouping, code, world)},
            **_row(tally, weights, period, grouping, code),
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
        "total": _row(found.total, weights, period, grouping, None),
    }


def name_of(grouping: Grouping, code: str, world: World) -> str:
    if grouping is Grouping.LEVEL:
        return Level(int(code)).name.lower()
    if grouping is Grouping.LINE:
        line = world.lines.get(code)
        return line.name if line else code
    return world.unit_name(code)


def _row(tally: Tally, weights: Weights, period: Period, grouping: Grouping, code: str | None) -> dict[str, Any]:
    def count(measure: Measure) -> dict[str, Any]:
        return {"n": tally.counts[measure], "calls": link(period, grouping, code, measure)}

    parts = scoring.parts(tally, weights)
    means = _means(tally)
    return {
        **{measure.value: count(measure) for measure in _IN_ROWS},
        "answer_s": {**tally.answer_s._asdict(), "calls": link(period, grouping, code, Measure.ANSWERED)},
        "resolve_s": {**tally.resolve_s._asdict(), "calls": link(period, grouping, code, Measure.RESOLVED)},
        "resolved_at_level": {str(level.value): share for level, share in _shares(tally).items()},
        **{name: {**count(measure), "mean": means[name]} for name, measure in _RATED.items()},
        "score": scoring.score(parts),
        "score_parts": {
            name: {**part._asdict(), "calls": link(period, grouping, code, scoring.COUNTED[name])}
            for name, part in parts.items()
        },
    }


def link(period: Period, grouping: Grouping, code: str | None, measure: Measure) -> str:
    """The query that lists the calls of one figure."""
    group = {} if code is None else {"group": code}
    return f"{CALLS}?{urlencode({'period': str(period), 'group_by': grouping, **group, 'measure': measure})}"


def _shares(tally: Tally) -> dict[Level, float | None]:
    whole = tally.counts[Measure.RESOLVED]
    return {level: round(tally.counts[part] / whole, 4) if whole else None for level, part in RESOLVED_AT.items()}


def _means(tally: Tally) -> dict[str, float | None]:
    stars = {"street_rating": tally.street_stars, "reporter_rating": tally.reporter_stars}
    rated = {name: tally.counts[measure] for name, measure in _RATED.items()}
    return {name: round(stars[name] / many, 4) if many else None for name, many in rated.items()}


# --- one call -------------------------------------------------------------------------------------------------------


def call(stored: Mapping[Any, Any], world: World) -> dict[str, Any]:
    """One row of a list of calls. `stored` is of `call`, with the number of its incident."""
    incident_id = stored["incident_id"]
    shown = ("answer_by", "answered_at", "resolve_by", "ended_at", "late_s", "exempt", "rating", "outcome_rating")
    return {
        "incident": {"id": incident_id, "number": stored["number"], "url": f"/v1/incidents/{incident_id}"},
        "seq": stored["seq"],
        "level": stored["level"],
        "unit": {"code": stored["unit"], "name": world.unit_name(stored["unit"])},
        "cause": stored["cause"],
        "outcome": stored["outcome"],
        "opened_at": stored["opened_at"],
        **{name: stored[name] for name in shown},
        "answer_s": _seconds(stored["answer_us"]),
        "resolve_s": _seconds(stored["resolve_us"]),
    }


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 10**6


# --- for a spreadsheet ----------------------------------------------------------------------------------------------


def sheet(found: Tallies, grouping: Grouping, world: World, policy: Policy | None) -> bytes:
    """One line a group, with a header; a byte order mark, by which Excel knows UTF-8."""
    weights = policy.weights if policy else Weights()
    lines = [
        {"group_code": _inert(code), "group_name": _inert(name_of(grouping, code, world)), **_line(tally, weights)}
        for code, tally in sorted(found.groups.items())
    ]
    text = io.StringIO(newline="")
    header = ["group_code", "group_name", *_line(found.total, weights)]
    writer = csv.DictWriter(text, header)
    writer.writeheader()
    writer.writerows(lines)
    return (_BOM + text.getvalue()).encode()


def _line(tally: Tally, weights: Weights) -> dict[str, Any]:
    means = _means(tally)
    return {
        **{measure.value: tally.counts[measure] for measure in _COUNTS},
        **{f"answer_s_{name}": value for name, value in tally.answer_s._asdict().items()},
        **{f"resolve_s_{name}": value for name, value in tally.resolve_s._asdict().items()},
        **{f"resolved_at_level_{level.value}": share for level, share in _shares(tally).items()},
        **{f"{name}_mean": mean for name, mean in means.items()},
        "score": scoring.score(scoring.parts(tally, weights)),
    }


def _inert(text: str) -> str:
    """What a spreadsheet would take for a formula is text."""
    return f"'{text}" if text.startswith(_FORMULA) else text
