"""What all tables share: one `MetaData` with its rules for names, and the column types of codes and of times."""

from __future__ import annotations

from sqlalchemy import TIMESTAMP, MetaData, Text

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
"""A code is a prefix of others: without the C collation, a range of prefixes would differ from server to server."""
Time = TIMESTAMP(timezone=True)
"""A moment, which PostgreSQL keeps in UTC."""
