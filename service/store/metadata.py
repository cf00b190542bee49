"""What all tables share: one `MetaData` with its naming rules, and the types of codes and times."""

from __future__ import annotations

from sqlalchemy import (
    TIMESTAMP,
    MetaData,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

Code = Text(collation="C")
"""Codes are prefixes: without the C collation a prefix range differs from server to server."""
Time = TIMESTAMP(timezone=True)
