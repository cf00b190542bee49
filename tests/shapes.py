"""How a JSON answer is held to its typed shape, and to another answer."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import TypeAdapter
from pydantic_core import from_json, to_json


def check(shape: Any, view: object) -> Any:
    """The view as JSON, which has exactly this shape: no key more, none less, every value of its type."""
    text = to_json(view)
    _adapter(shape).validate_json(text, strict=True, extra="forbid")
    return from_json(text)


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def without_words(event: dict[str, Any]) -> dict[str, Any]:
    """An event of a timeline as the feed shows it. One of the feed stays as it is."""
    if "note" not in event["data"]:
        return event
    data = {name: value for name, value in event["data"].items() if name != "note"}
    by = {name: value for name, value in data["by"].items() if name != "subject"}
    return {**event, "data": {**data, "by": by}}


def differences(example: Any, real: Any, at: str = "") -> list[str]:
    """Where an example has other keys, or values of another type, than a real answer. Null may stand for any value;
    each item of a list must be like some item of the real one."""
    if example is None or real is None:
        return []
    if type(example) is not type(real):
        return [f"{at}: {type(example).__name__}, really {type(real).__name__}"]
    found: list[str] = []
    if isinstance(example, dict):
        found += [f"{at}/{name}: in one of them only" for name in example.keys() ^ real.keys()]
        for name in example.keys() & real.keys():
            found += differences(example[name], real[name], f"{at}/{name}")
    if isinstance(example, list):
        for n, item in enumerate(example):
            found += _unlike_all(item, real, f"{at}/{n}")
    return found


def _unlike_all(item: Any, real: list[Any], at: str) -> list[str]:
    found = [differences(item, each, at) for each in real]
    return min(found, key=len) if found else [f"{at}: nothing like it"]
