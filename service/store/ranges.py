"""Code prefixes as index ranges (design: codes are prefixes, compared byte by byte under the C collation)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_


def within(column: ColumnElement[Any], prefix: str) -> ColumnElement[bool]:
    """Whether a code of digits starts with `prefix`. ':' is the character after '9'."""
    return and_(column >= prefix, column < prefix + ":")
