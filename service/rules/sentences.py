"""Sentences for people. A sentence is an English text that still knows its template and its values, so that whoever
shows it can show it in another language.

The template is the key of the catalogue of translations, so it is always written out where the sentence is made, and
everything that varies is a named value: `Sentence("{unit} is at level {level}.", unit=code, level=Level.STREET)`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from enum import Enum
from types import MappingProxyType
from typing import Any, NoReturn, TypeAlias

from service.rules.words import Arrow, Kind, Level, RequestKind, Role, State, UnitKind, Urgency
from service.rules.worktime import ZONE

Word: TypeAlias = State | Level | Arrow | Kind | RequestKind | Role | UnitKind | Urgency
"""The words of the contract that a sentence may show. The catalogue has all of them."""
Value: TypeAlias = "Word | str | int | float | date | datetime | timedelta | Sequence[Value]"
"""What a sentence may show: a word of the contract, a code, a number, a time, another sentence, or a list of these."""

_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


class Sentence(str):
    """One sentence for people, in English as text. It equals that text, and is sent, stored and logged as that text.

    A placeholder may say how its value is shown: `{units:or}` puts "or" before the last part of a list, which else has
    commas alone, and `{count:fault|faults}` is the word that agrees with a number, without the number.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, /, **values: Value) -> Sentence:
        sentence = super().__new__(cls, rendered(template, values, english))
        object.__setattr__(sentence, "template", template)
        object.__setattr__(sentence, "values", MappingProxyType(values))
        return sentence

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a sentence never changes, so its {name} is not set")

    def __getnewargs_ex__(self) -> tuple[tuple[str], dict[str, Value]]:
        """The arguments that make this sentence again, for copies of documents that hold it."""
        return (self.template,), dict(self.values)

    def __getstate__(self) -> None:
        """Everything that a sentence knows comes from its arguments."""


def rendered(template: str, values: Mapping[str, Value], shown: Callable[[Value], Any]) -> str:
    """A template with every value as `shown` shows it in one language."""
    return template.format_map({name: shown(value) for name, value in values.items()}) if values else template.format()


class _Count(int):
    """A number in an English sentence."""

    def __format__(self, words: str) -> str:
        one, bar, many = words.partition("|")
        return (one if self == 1 else many) if bar else super().__format__(words)


class _Listed(tuple[str, ...]):
    """A list in an English sentence."""

    __slots__ = ()

    def __format__(self, word: str) -> str:
        if not word or len(self) < 2:
            return ", ".join(self)
        return f"{', '.join(self[:-1])} {word} {self[-1]}"


def english(value: Value) -> Any:
    """A value as an English sentence shows it: an enum by its word on the wire, a level by its number."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str | float):
        return value
    if isinstance(value, int):
        return _Count(value)
    if isinstance(value, date):
        return moment(value)
    if isinstance(value, timedelta):
        return length(value, _UNITS, " ")
    return _Listed(str(english(part)) for part in value)


def moment(value: date | datetime) -> str:
    """A day, or a time of Asia/Shanghai to the second with its offset, as a request may send it back."""
    return value.astimezone(ZONE).isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()


def length(value: timedelta, units: Sequence[tuple[str, int]], blank: str) -> str:
    """A length of time in whole `units` (name, seconds), the longest first; what is below the shortest is left out."""
    left_s, parts = int(value.total_seconds()), []
    for name, unit_s in units:
        count, left_s = divmod(left_s, unit_s)
        parts += [f"{count}{blank}{name}"] if count else []
    return blank.join(parts) or f"0{blank}{units[-1][0]}"


NO_WORDS = Sentence("")
"""The sentence where there is nothing to say."""
