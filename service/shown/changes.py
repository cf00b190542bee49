"""What a change of the registry, a policy or a calendar made of what was there before, for the log: each row that
changed with its old and its new values. An event names so many rows at most, and says how many more there were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from typing import Any, TypeAlias

from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.worktime import ZONE

MAX_ROWS = 200
"""The rows that one event names."""

ChangedValue: TypeAlias = str | int | bool | list[str] | None
OldAndNew = TypedDict("OldAndNew", {"from": ChangedValue, "to": ChangedValue})
"""What a value was, and what it is from now on; null: there was none, or is none any more. Of a shape: how many points
it has."""


class ChangedRow(TypedDict):
    """A row that changed: the part it belongs to, its code or other name there, and the values that changed."""

    of: str
    row: str
    changes: dict[str, OldAndNew]


def between(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, OldAndNew]:
    """The values that differ, by name; before None: all that the new row has. A name that `before` lacks counts as
    null."""
    old = before or {}
    values = ((name, _plain(old.get(name)), _plain(value)) for name, value in after.items())
    return {name: {"from": was, "to": becomes} for name, was, becomes in values if was != becomes}


def named(rows: Sequence[ChangedRow]) -> tuple[list[ChangedRow], int]:
    """The rows that an event names, and how many it leaves out."""
    return list(rows[:MAX_ROWS]), max(0, len(rows) - MAX_ROWS)


def _plain(value: Any) -> ChangedValue:
    """A value as it is written in the log."""
    match value:
        case Enum():
            return _plain(value.value)
        case datetime():
            return value.astimezone(ZONE).isoformat()
        case date():
            return value.isoformat()
        case list() | tuple():
            return _list_of(value)
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


def _list_of(values: Sequence[Any]) -> ChangedValue:
    """A list of codes; of rings of points, how many points they have. None for an empty one."""
    if not values:
        return None
    if all(isinstance(each, list | tuple) for each in values):
        return sum(len(ring) for ring in values)
    return [str(_plain(each)) for each in values]
