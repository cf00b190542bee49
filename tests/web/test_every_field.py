"""Every field of every body and every parameter is given wrong values: each is refused in words of this service, in
both languages, and with a rule; no sentence of a library reaches a person."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Annotated, Any, get_args

import pytest
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError

from service import clock as clocks
from service import settings
from service.main import create_app
from service.rules.errors import Pointer, Rule
from service.rules.sentences import Sentence
from service.web import breaches, faults, languages
from service.web.languages import Language
from service.web.text import Moment

WRONG: list[Any] = [
    *(None, True, 0, -1, 1.5, 10**400, math.inf, math.nan),
    *("", " ", "x", "x\x00", "a\ud800", "\u200b", "\u202e", "a\nb", "x" * 5000, "１２", "中文", "null", "-", "1e400"),
    *("2026-000001", "00000000", "2026-13-01T00:00:00Z", "2026-11-26T00:00:60+08", "2026-11-26T24:00:00+08:00"),
    *("2026-11-26T00:00:00 08:00", "2026-11-26", "1700000000", "2026-02-30", "２０２６-11-26T00:00:00Z", "24:00"),
    *([], [None], [[]], ["x", "x"], [{}], {}, {"a": 1}, {"a": {"a": []}}, list(range(600))),
]
NO_TIMES: list[Any] = [
    *("2026-11-26T00:00:60+08:00", "2026-11-26T24:00:00+08:00", "2026-11-26T00:00:00+08", "2026-13-01T00:00:00Z"),
    *("2026-02-29T00:00:00Z", "1700000000", "２０２６-11-26T00:00:00Z", "2026-11-26", "now", "", "2026-11-26Tx"),
    *("2026-11-26T00:00:00+24:00", "2026-11-26T00:00:00ZZ", 1700000000, True, [], {}),
]
FALLBACK = breaches.of("of_another_version", {}).detail


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(settings.load(), clocks.of("now"))


def _routes(app: FastAPI) -> list[APIRoute]:
    return [route for route in app.routes if isinstance(route, APIRoute) and route.include_in_schema]


def _parameters(dependant: Dependant) -> Iterator[Any]:
    yield from (*dependant.query_params, *dependant.header_params, *dependant.path_params)
    for each in dependant.dependencies:
        yield from _parameters(each)


def _annotations(app: FastAPI) -> list[Any]:
    """The type of every body and of every parameter, with its bounds."""
    found: list[Any] = []
    for route in _routes(app):
        fields = [*_parameters(route.dependant), *([route.body_field] if route.body_field else [])]
        found += [Annotated[each.field_info.annotation, each.field_info] for each in fields]
    return found


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models in an annotation, with those in their fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from _models(field.annotation)
    else:
        for part in get_args(annotation):
            yield from _models(part)


def _pointers(kind: Any, value: Any) -> list[Pointer]:
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        return list(faults.validation_failed(error, kind).errors)
    return []


def _sentences(sentence: Sentence) -> Iterator[Sentence]:
    yield sentence
    for value in sentence.values.values():
        for part in value if isinstance(value, list | tuple) else [value]:
            if isinstance(part, Sentence):
                yield from _sentences(part)


def _demand_ours(pointer: Pointer, at: object) -> None:
    assert isinstance(pointer.detail, Sentence), (at, pointer)
    assert isinstance(pointer.rule, Rule), (at, pointer)
    assert pointer.detail != FALLBACK, (at, pointer)
    for sentence in _sentences(pointer.detail):
        assert (None, sentence.template) in languages.catalogue(), (at, pointer)
    assert not re.search(r"[Ii]nput should|[Vv]alue error|valid (datetime|UUID)|Expecting", pointer.detail), (
        at,
        pointer,
    )
    assert re.search("[\u4e00-\u9fff]", languages.text(pointer.detail, Language.ZH)), (at, pointer)


def test_every_body_and_parameter_refuses_in_our_words(app: FastAPI) -> None:
    tried = 0
    for annotation in _annotations(app):
        for value in WRONG:
            for pointer in _pointers(annotation, value):
                _demand_ours(pointer, (annotation, value))
                tried += 1
    assert tried > 500


@pytest.mark.clause("ASVS 2.2.1", "GB/T 22239 8.1.4.4 d")
def test_every_field_of_every_model_refuses_in_our_words(app: FastAPI) -> None:
    models = {model for annotation in _annotations(app) for model in _models(annotation)}
    assert len(models) > 25
    for model in sorted(models, key=lambda each: each.__name__):
        for name in model.model_fields:
            found = [pointer for value in WRONG for pointer in _pointers(model, {name: value})]
            assert [each for each in found if each.pointer.startswith(f"/{name}")], (model, name)
            for pointer in found:
                _demand_ours(pointer, (model, name))


def test_what_no_table_knows_is_refused_in_our_words() -> None:
    """A newer pydantic may find kinds of fault that nobody here has heard of."""
    breach = breaches.of("of_another_version", {"anything": 1})
    assert breach.rule is Rule.WRONG_TYPE
    assert (None, breach.detail.template) in languages.catalogue()


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("2026-11-26T00:00:00 08:00", "%2B: in a URL, + is a blank"),
        ("2026-11-26T00:00:00.123 0800", "%2B: in a URL, + is a blank"),
        *((each, "RFC 3339 text with its offset") for each in NO_TIMES),
        ("2026-11-26T00:00:00", "Add the offset from UTC"),
    ],
)  # fmt: skip
def test_a_time_of_a_bad_form_is_told_the_good_one(value: object, hint: str) -> None:
    (pointer,) = _pointers(Moment, value)
    assert hint in pointer.detail and pointer.rule is Rule.BAD_TIME
