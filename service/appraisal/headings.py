"""The headings of the CSV file: in English the names of the figures, as a program reads them; in Chinese words."""

from __future__ import annotations

from enum import Enum

from service.rules.figures.definition import Measure
from service.rules.sentences import Sentence, Value
from service.rules.words import Level
from service.web import languages
from service.web.languages import Language

_OWN: dict[str, Value | Enum] = {
    **{measure.value: measure for measure in Measure},
    **{f"resolved_at_level_{level}": Sentence("resolved_at_level_{level}", level=level) for level in Level},
    "answered_in_time_rate": Sentence("answered_in_time_rate"),
    "answered_in_time_low": Sentence("answered_in_time_low"),
    "answered_in_time_high": Sentence("answered_in_time_high"),
    "resolved_in_time_rate": Sentence("resolved_in_time_rate"),
    "resolved_in_time_low": Sentence("resolved_in_time_low"),
    "resolved_in_time_high": Sentence("resolved_in_time_high"),
    "held_s": Sentence("held_s"),
    "group_code": Sentence("group_code"),
    "group_name": Sentence("group_name"),
    "answer_s_median": Sentence("answer_s_median"),
    "answer_s_p90": Sentence("answer_s_p90"),
    "resolve_s_median": Sentence("resolve_s_median"),
    "resolve_s_p90": Sentence("resolve_s_p90"),
    "street_rating_mean": Sentence("street_rating_mean"),
    "reporter_rating_mean": Sentence("reporter_rating_mean"),
    "score": Sentence("score"),
}


def heading(name: str, language: Language) -> str:
    """The heading of the column that has this name."""
    return languages.text(_OWN[name], language)
