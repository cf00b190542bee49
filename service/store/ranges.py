"""Conditions on codes: a code prefix as a range of an index, and membership in a list of codes.

A prefix can be a range because code columns have the C collation, which compares byte by byte.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Text, and_, cast
from sqlalchemy.dialects.postgresql import array


def within(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """Return the condition that a code of digits starts with `prefix`, as a range: ':' comes after '9'."""
    return and_(column >= prefix, column < prefix + ":")


def overlaps(column: ColumnElement[Any], codes: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a column with a list of codes contains at least one of `codes`."""
    return column.bool_op("&&")(cast(list(codes), ARRAY(Text)))


def holds(column: ColumnElement[Any], code: str | ColumnElement[str]) -> ColumnElement[bool]:
    """Return the condition that a column with a list of codes contains `code`."""
    return column.bool_op("@>")(cast(array([code]), ARRAY(Text)))
