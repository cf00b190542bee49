"""Conditions on codes: a code prefix as a range of an index, and membership in a list of codes.

A prefix is a range because code columns are compared byte by byte, under the C collation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast


def within(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """Whether a code of digits starts with `prefix`, as a range of an index: ':' is the character after '9'."""
    return and_(column >= prefix, column < prefix + ":")


def overlaps(column: ColumnElement[Any], codes: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column that is a list of codes has one of `codes` in it."""
    return column.bool_op("&&")(cast(list(codes), ARRAY(Text)))


def holds(column: ColumnElement[Any], code: str) -> ColumnElement[bool]:
    """Whether a column that is a list of codes has `code` in it."""
    return column.bool_op("@>")(cast([code], ARRAY(Text)))
