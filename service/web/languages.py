"""The two languages of text for people, English and Chinese, by Accept-Language (RFC 9110 §12.5.4). Codes, rules,
pointers and field names never depend on the language.

A sentence is its English text already. Its Chinese is looked up in `zh.po` by its template, and the words of the
contract in it by their enum. The file is read at the first request in Chinese.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from functools import cache, lru_cache
from importlib import import_module, resources
from typing import Any, TypeVar, cast

from starlette.types import Scope

from service.rules.sentences import Sentence, Value, length, rendered
from service.rules.worktime import ZONE

CATALOGUE = "zh.po"
_MAX_BYTES = 1024
"""A longer Accept-Language is no wish of a person, and is not read."""
_RANGE = re.compile(r"([A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*|\*")
_WEIGHT = re.compile(r"[Qq]=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)")
_UNITS = (("天", 86_400), ("小时", 3600), ("分钟", 60), ("秒", 1))

_T = TypeVar("_T")


class Language(StrEnum):
    """The languages by their tags in Content-Language."""

    EN = "en"
    ZH = "zh"


def language_of(scope: Scope) -> Language:
    """The language that a request prefers: Chinese for `zh` and all its regions and scripts, otherwise English."""
    lines = [value for name, value in scope["headers"] if name == b"accept-language"]
    return _preferred(b",".join(lines)) if lines else Language.EN


def shown(content: _T, language: Language) -> _T:
    """A JSON document with every sentence in this language."""
    return content if language is Language.EN else cast("_T", _translated(content))


def text(value: Value | Enum, language: Language) -> str:
    """A sentence, or a word of the contract, in this language."""
    if language is Language.ZH:
        return str(_chinese(value))
    return str(value.value) if isinstance(value, Enum) else str(value)


@lru_cache(maxsize=1024)
def _preferred(accepted: bytes) -> Language:
    best, best_weight = Language.EN, 0.0
    if len(accepted) > _MAX_BYTES:
        return best
    for each in accepted.decode("latin-1").split(","):
        language, weight = _wish(each)
        if language is not None and weight > best_weight:
            best, best_weight = language, weight
    return best


def _wish(element: str) -> tuple[Language | None, float]:
    """One element of Accept-Language: the language it stands for and its weight. `*` stands for English; None is
    another language, or an element that cannot be read."""
    tag, *parameters = (part.strip(" \t") for part in element.split(";"))
    found = _RANGE.fullmatch(tag)
    weights = [_WEIGHT.fullmatch(parameter) for parameter in parameters]
    if found is None or len(weights) > 1 or None in weights:
        return None, 0.0
    weight = float(weights[0][1]) if weights and weights[0] else 1.0
    return {"zh": Language.ZH, "en": Language.EN, "*": Language.EN}.get((found[1] or "*").lower()), weight


def _translated(content: Any) -> Any:
    if isinstance(content, Sentence):
        return _chinese(content)
    if isinstance(content, Mapping):
        return {name: _translated(value) for name, value in content.items()}
    return [_translated(each) for each in content] if isinstance(content, list | tuple) else content


def _chinese(value: Value | Enum) -> Any:
    if isinstance(value, Sentence):
        template = catalogue().get((None, value.template))
        return str(value) if template is None else rendered(template, value.values, _chinese)
    if isinstance(value, Enum):
        word = str(value.value)
        return catalogue().get((type(value).__name__, word), word)
    if isinstance(value, str | int | float):
        return value
    if isinstance(value, datetime):
        return f"{value.astimezone(ZONE):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, date):
        return f"{value:%Y-%m-%d}"
    return (
        length(value, _UNITS, "") if isinstance(value, timedelta) else "、".join(str(_chinese(each)) for each in value)
    )


@cache
def catalogue() -> Mapping[tuple[str | None, str], str]:
    """The Chinese by context and English: the context of a word of the contract is the name of its enum, a sentence has
    none."""
    # imported here, since Babel takes a twentieth of a start and most processes on a bench or in a test never need it
    read_po = import_module("babel.messages.pofile").read_po
    with resources.files(__package__).joinpath(CATALOGUE).open("rb") as file:
        found = read_po(file, locale="zh")
    return {(each.context, each.id): each.string for each in found if each.id and each.string}
