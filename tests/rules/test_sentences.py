from __future__ import annotations

import copy
import json
import logging
from datetime import UTC, date, datetime, timedelta

import orjson
import pytest
from pydantic_core import to_json

from service.rules.sentences import Sentence, Value
from service.rules.words import Level, State, UnitKind


@pytest.mark.parametrize(
    ("template", "values", "text"),
    [
        ("Send text.", {}, "Send text."),
        ('Send {{"items": []}}.', {}, 'Send {"items": []}.'),
        ("{unit} cannot.", {"unit": "{unit}"}, "{unit} cannot."),
        ("It is {state}.", {"state": State.ON_HOLD}, "It is on_hold."),
        ("It is at level {level}.", {"level": Level.STREET}, "It is at level 2."),
        ("Send {states}.", {"states": (State.CALLING, State.CLOSED)}, "Send calling, closed."),
        ("Send {kinds:or}.", {"kinds": list(UnitKind)[:3]}, "Send district, community or street."),
        ("Send {kinds:or}.", {"kinds": [UnitKind.TEAM]}, "Send team."),
        ("{n} {n:fault|faults}.", {"n": 1}, "1 fault."),
        ("{n} {n:fault|faults}.", {"n": 0}, "0 faults."),
        ("{n} {n:fault|faults}.", {"n": 2}, "2 faults."),
        ("At {at}.", {"at": datetime(2026, 11, 27, 1, 0, 0, 999, tzinfo=UTC)}, "At 2026-11-27T09:00:00+08:00."),
        ("On {day}.", {"day": date(2026, 11, 27)}, "On 2026-11-27."),
        ("In {span}.", {"span": timedelta(days=1, minutes=5, microseconds=7)}, "In 1 d 5 min."),
        ("In {span}.", {"span": timedelta(0)}, "In 0 s."),
        ("Only {who}.", {"who": Sentence("the street of {cell}", cell="1")}, "Only the street of 1."),
        ("Over {share}.", {"share": 0.5}, "Over 0.5."),
    ],
)
def test_a_sentence_is_its_english_text(template: str, values: dict[str, Value], text: str) -> None:
    sentence = Sentence(template, **values)
    assert sentence == text and hash(sentence) == hash(text)
    assert (sentence.template, sentence.values) == (template, values)


def test_a_sentence_goes_wherever_text_goes(caplog: pytest.LogCaptureFixture) -> None:
    sentence = Sentence("{unit} said no.", unit="440105001")
    for written in (to_json({"detail": sentence}), orjson.dumps({"detail": sentence})):
        assert json.loads(written) == {"detail": "440105001 said no."}
    with caplog.at_level(logging.INFO):
        logging.getLogger("test").info(sentence)
    assert caplog.messages == ["440105001 said no."]


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_sentence_knows_its_template(copied: object) -> None:
    sentence = Sentence("{{}} {count} {count:thing|things}", count=1)
    again = copied(sentence)  # type: ignore[operator]
    assert (again, again.template, again.values) == (sentence, sentence.template, sentence.values)


def test_a_sentence_never_changes() -> None:
    sentence = Sentence("{count}", count=1)
    with pytest.raises(AttributeError):
        sentence.template = "{other}"
    with pytest.raises(TypeError):
        sentence.values["count"] = 2  # type: ignore[index]


def test_a_value_needs_no_place_but_a_place_a_value() -> None:
    with pytest.raises(KeyError):
        Sentence("{unit}", units="440105001")
    assert Sentence("Nothing varies.", unused=1) == "Nothing varies."
