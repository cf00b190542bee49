"""The figures of a month as a CSV file for a spreadsheet."""

from __future__ import annotations

import csv
import io
import unicodedata

from service.appraisal.headings import heading
from service.appraisal.views import mean_of, name_of, shares_of
from service.rules.figures import rates, scoring
from service.rules.figures.definition import SCORED, Grouping, Measure, Tallies, Tally
from service.rules.policy import FairPlay, Policy, Weights
from service.rules.sight import Viewer
from service.rules.words import Level
from service.web import characters, languages
from service.web.languages import Language

_COUNTS = [measure for measure in Measure if measure not in SCORED]  # the JSON has the others as `of` alone
_BOM = "\ufeff"
"""A byte order mark, by which Excel recognises UTF-8."""
_SIGNS = frozenset("=+-@")
"""The first visible characters of a cell that a spreadsheet would compute. East Asian spreadsheets take the full-width
and small forms of these for the same signs."""
_BREAKS = frozenset("\t\r\n")
"""Blanks that end a cell or a line when the file is pasted, so that what follows them is the start of a cell."""


def sheet(
    viewer: Viewer, found: Tallies, grouping: Grouping, policy: Policy | None, language: Language = Language.EN
) -> bytes:
    """The CSV file: headings in this language, and one line for each group, in the order of codes."""
    rules = policy.weights if policy else Weights(), policy.fair_play if policy else FairPlay()
    lines = [
        {
            "group_code": _inert(code),
            "group_name": _inert(_name(viewer, grouping, code, language)),
            **_line(tally, rules),
        }
        for code, tally in sorted(found.groups.items())
    ]
    text = io.StringIO(newline="")
    header = ["group_code", "group_name", *_line(found.total, rules)]
    writer = csv.DictWriter(text, header)
    writer.writerow({name: heading(name, language) for name in header})
    writer.writerows(lines)
    return (_BOM + text.getvalue()).encode()


def _name(viewer: Viewer, grouping: Grouping, code: str, language: Language) -> str:
    if grouping is Grouping.LEVEL and language is Language.ZH:
        return languages.text(Level(int(code)), language)
    return name_of(viewer, grouping, code)


def _line(tally: Tally, rules: tuple[Weights, FairPlay]) -> dict[str, float | None]:
    shown = {"answered_in_time": rates.answered_in_time(tally), "resolved_in_time": rates.resolved_in_time(tally)}
    spreads = {"answer_s": tally.answer_s, "resolve_s": tally.resolve_s}
    return {
        **{measure.value: tally.counts[measure] for measure in _COUNTS},
        **{f"{name}_{percentile}": s for name, spread in spreads.items() for percentile, s in spread._asdict().items()},
        **{f"resolved_at_level_{level.value}": share for level, share in shares_of(tally).items()},
        "held_s": tally.held_s,
        **{f"{name}_{end}": each._asdict()[end] for name, each in shown.items() for end in ("rate", "low", "high")},
        "street_rating_mean": mean_of(tally.street_stars, tally.counts[Measure.STREET_RATED]),
        "reporter_rating_mean": mean_of(tally.reporter_stars, tally.counts[Measure.REPORTER_RATED]),
        "score": scoring.score(scoring.parts(tally, *rules)),
    }


def _inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula, whatever stands before its first visible character."""
    start = next((place for place, each in enumerate(text) if _stands_alone(each)), len(text))
    first = unicodedata.normalize("NFKC", text[start : start + 1])[:1]
    return f"'{text}" if first in _SIGNS or not _BREAKS.isdisjoint(text[:start]) else text


def _stands_alone(character: str) -> bool:
    """Whether a character is seen, and is no mark on the one before it."""
    return characters.is_visible(character) and not unicodedata.category(character).startswith("M")
