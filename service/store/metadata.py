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

GROWS = {"autovacuum_vacuum_insert_scale_factor": "0", "autovacuum_vacuum_insert_threshold": "200000"}
"""Storage parameters of a table that history makes large. By default a table is vacuumed when a share of it has
changed: the litter between two vacuums would grow with history, and with it the work of all who walk over it. So rows
count, not shares; new rows count as well, since a vacuum freezes them and summarises them for BRIN in small bites."""
CHANGES = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_analyze_scale_factor": "0",
    "autovacuum_analyze_threshold": "20000",
    **GROWS,
}
"""Storage parameters of such a table whose newest rows change all the time."""
