"""The lines of a bundle's files, as contract §3, "Bundle", names their columns."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from service.rules.words import UnitKind, Urgency
from service.rules.worktime import ZONE
from service.web.text import CalendarDay, Code, Moment, Prefix, one_line, words

_DAY = re.compile("2[01][0-9]{2}-[0-9]{2}-[0-9]{2}")  # the years of every other moment: service.web.text.Moment


def _list(value: object) -> object:
    return tuple(part.strip() for part in value.split(";") if part.strip()) if isinstance(value, str) else value


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        if not _DAY.fullmatch(value):
            raise ValueError
        day = date.fromisoformat(value)
    except ValueError:
        raise ValueError("Send a day from 2000 to 2199, such as 2026-11-23.") from None
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def _moment(value: object) -> object:
    return _day(value) if isinstance(value, str) and _DAY.fullmatch(value) else value


Codes = Annotated[tuple[Code, ...], BeforeValidator(_list)]
Prefixes = Annotated[tuple[Prefix, ...], BeforeValidator(_list)]
RowDay = Annotated[datetime, BeforeValidator(_day)]
DayOrMoment = Annotated[Moment, BeforeValidator(_moment)]
"""For JSON: a day as in a file, its midnight in Asia/Shanghai, or a moment with its offset."""
Name = Annotated[str, *one_line(200)]
Basis = Annotated[str, *words(500)]


class Row(BaseModel):
    """One line of a file. An empty field counts as left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: Code

    @property
    def key(self) -> str:
        """What may stand in a file once."""
        return f"code {self.code}"


class LineRow(Row):
    name: Name


class UnitRow(Row):
    name: Name
    kind: UnitKind
    level: int | None = None
    parent: Code | None = None
    line_parent: Code | None = None
    covers: Prefixes = ()
    in_charge_of: Codes = ()
    valid_from: RowDay | None = None
    valid_to: RowDay | None = None


class CellRow(Row):
    name: Name
    community: Code


class CategoryRow(Row):
    name: Name
    line: Code
    urgency: Urgency
    parent: Code | None = None


class DutyRow(Row):
    title: Name
    category: Code
    area: Prefix
    lead_unit: Code
    assisting: Codes = ()
    basis: Basis = "-"
    valid_from: RowDay | None = None
    valid_to: RowDay | None = None


class CalendarRow(Row):
    """One day; `code` names the calendar."""

    day: CalendarDay
    workday: bool
    note: Name | None = None

    @property
    def key(self) -> str:
        return f"{self.code} {self.day}"
