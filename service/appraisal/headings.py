"""The headings of the files: in English the names of the figures, as a program reads them; in Chinese words."""

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
    "answered_in_time_n": Sentence("answered_in_time_n"),
    "answered_in_time_of": Sentence("answered_in_time_of"),
    "answered_in_time_rate": Sentence("answered_in_time_rate"),
    "answered_in_time_low": Sentence("answered_in_time_low"),
    "answered_in_time_high": Sentence("answered_in_time_high"),
    "resolved_in_time_n": Sentence("resolved_in_time_n"),
    "resolved_in_time_of": Sentence("resolved_in_time_of"),
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
    "definition": Sentence("definition"),
    "closed_at": Sentence("closed_at"),
    "measure": Sentence("measure"),
    "was": Sentence("was"),
    "is": Sentence("is"),
    "street_stars": Sentence("street_stars"),
    "reporter_stars": Sentence("reporter_stars"),
}
_OF_CALLS: dict[str, Sentence] = {
    "incident_id": Sentence("incident_id"),
    "number": Sentence("number"),
    "seq": Sentence("seq"),
    "level": Sentence("level"),
    "unit_code": Sentence("unit_code"),
    "unit_name": Sentence("unit_name"),
    "cause": Sentence("cause"),
    "outcome": Sentence("outcome"),
    "opened_at": Sentence("opened_at"),
    "answer_by": Sentence("answer_by"),
    "answered_at": Sentence("answered_at"),
    "resolve_by": Sentence("resolve_by"),
    "ended_at": Sentence("ended_at"),
    "late_s": Sentence("late_s"),
    "exempt": Sentence("exempt"),
    "credit": Sentence("credit"),
    "box_used": Sentence("box_used"),
    "late_exit": Sentence("late_exit"),
    "withdrawn_late": Sentence("withdrawn_late"),
    "self_reported": Sentence("self_reported"),
    "own_report": Sentence("own_report"),
    "accountable_unit": Sentence("accountable_unit"),
    "accountable_seq": Sentence("accountable_seq"),
    "held_s": Sentence("held_s"),
    "extended": Sentence("extended"),
    "end_code": Sentence("end_code"),
    "rating": Sentence("rating"),
    "outcome_rating": Sentence("outcome_rating"),
    "answer_s": Sentence("answer_s"),
    "resolve_s": Sentence("resolve_s"),
}


def heading(name: str, language: Language) -> str:
    """The heading of the column of figures that has this name."""
    return languages.text(_OWN[name], language)


def call_heading(name: str, language: Language) -> str:
    """The heading of the column of calls that has this name."""
    return languages.text(_OF_CALLS[name], language)
