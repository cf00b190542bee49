"""What people send about the registry: the queries of lists, the proposal of a duty and the decision about it.

The types of names, days and reasons stand here too, since rows of a bundle have the same ones.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, FiniteFloat, WithJsonSchema

from service.places.coordinates import CoordType
from service.rules.errors import Rule
from service.rules.sentences import Sentence
from service.rules.worktime import ZONE
from service.web import patterns
from service.web.breaches import WrongValue
from service.web.paging import PageQuery
from service.web.text import Body, CategoryCode, Code, LongText, Moment, Params, Prefix, one_line, words

_DAY = re.compile("2[01][0-9]{2}-[0-9]{2}-[0-9]{2}")  # the same years as service.web.text.Moment
_MAX_ASSISTING = 100


def _midnight(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        if not _DAY.fullmatch(value):
            raise ValueError
        day = date.fromisoformat(value)
    except ValueError:
        detail = Sentence("Send a day from 2000 to 2199, such as 2026-11-23.")
        raise WrongValue(detail, Rule.BAD_DAY) from None
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def _midnight_or_moment(value: object) -> object:
    return _midnight(value) if isinstance(value, str) and _DAY.fullmatch(value) else value


Midnight = Annotated[datetime, BeforeValidator(_midnight)]
"""A day, which becomes its midnight in Asia/Shanghai."""
_DAY_OR_MOMENT = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "format": "date", "pattern": patterns.LONG_DAY},
            {"type": "string", "format": "date-time", "pattern": patterns.MOMENT},
        ]
    }
)
DayOrMoment = Annotated[Moment, BeforeValidator(_midnight_or_moment), _DAY_OR_MOMENT]
"""A day, which becomes its midnight in Asia/Shanghai, or a moment with its offset."""
Name = Annotated[str, *one_line(200)]
Basis = Annotated[str, *words(500)]
"""The legal basis of a duty, as text."""


class DatedQuery(PageQuery):
    """Rows that are in force at the moment `at`; now when it is left out."""

    at: Moment | None = Field(
        None,
        description="rows in force at this instant (`valid_from` included, `valid_to` excluded); now if left out",
    )


class AreaQuery(DatedQuery):
    """Rows that are in force in an area."""

    area: Prefix | None = Field(None, description="the first 6 to 15 digits of a grid code")


class DutyQuery(AreaQuery):
    """Duties that apply to a category in an area."""

    category: CategoryCode | None = Field(None, description="duties of this category and of those above it")


class LocateQuery(Params):
    """A point in degrees, and the coordinate system it is given in."""

    lat: Annotated[FiniteFloat, Field(ge=-90, le=90, description="degrees north")]
    lon: Annotated[FiniteFloat, Field(ge=-180, le=180, description="degrees east")]
    coord_type: CoordType = Field(
        description="the system of the two; there is no default, a wrong guess is up to 600 m off"
    )


class ChainQuery(Params):
    """A category, and the moment of a report; now when it is left out."""

    category: CategoryCode = Field(description="the category of the report")
    at: Moment | None = Field(None, description="the instant of the report; now if left out")


class DutyBody(Body):
    """A duty with the fields of a row in `duties.csv`. `valid_to` is a moment, or a day, which means midnight at its
    start in Asia/Shanghai."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "EX-001",
                    "title": "市容环境管理",
                    "category": "urban-01",
                    "area": "440105",
                    "lead_unit": "440105003",
                    "assisting": ["dept-urban-management"],
                    "basis": "示例 (example)",
                }
            ]
        }
    )

    code: Code
    title: Name
    category: CategoryCode
    area: Prefix
    lead_unit: Code
    assisting: Annotated[tuple[Code, ...], Field(max_length=_MAX_ASSISTING)] = ()
    basis: Basis
    valid_to: DayOrMoment | None = None


class ApproveBody(Body):
    """From when the duty is in force: a moment, or now when it is left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"valid_from": "2027-01-01T00:00:00+08:00"}]})

    valid_from: Moment | None = None
    proposed_at: Moment | None = Field(
        None,
        description="of the proposal that you read: the request is refused if the proposal was corrected since",
    )


class RefuseBody(Body):
    """Why a proposal is refused or withdrawn."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "街道尚无执法权,待下放后再议"}]})

    reason: LongText
