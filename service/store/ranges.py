"""Code prefixes as index ranges (design: codes are prefixes, compared byte by byte under the C collation), and lists of
codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast


def within(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """Whether a code of digits starts with `prefix`. ':' is the character after '9'."""
    return and_(column >= prefix, column < prefix + ":")


def overlaps(column: ColumnElement[Any], codes: Sequence[str]) -> ColumnElement[bool]:
    """Whether a list of codes holds one of these."""
    return column.bool_op("&&")(cast(list(codes), ARRAY(Text)))


def holds(column: ColumnElement[Any], code: str) -> ColumnElement[bool]:
    """Whether a list of codes holds this one."""
    return column.bool_op("@>")(cast([code], ARRAY(Text)))
