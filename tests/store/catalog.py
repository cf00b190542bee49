"""What a database says of its own tables: for comparing two of them, and for rules that hold for every table."""

from __future__ import annotations

from sqlalchemy import text

from service.store.database import Database

_COLUMNS = """
SELECT attrelid::regclass::text || '.' || attname,
       concat_ws(' ', format_type(atttypid, atttypmod), 'COLLATE ' || nullif(collname, 'default'),
                 CASE WHEN attnotnull THEN 'NOT NULL' END, 'DEFAULT ' || pg_get_expr(adbin, adrelid),
                 'IDENTITY ' || nullif(attidentity::text, ''), '-- ' || col_description(attrelid, attnum))
FROM pg_attribute
JOIN pg_class ON pg_class.oid = attrelid AND relkind IN ('r', 'p') AND NOT relispartition
     AND relnamespace = quote_ident(current_schema())::regnamespace
LEFT JOIN pg_collation ON pg_collation.oid = attcollation
LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attnum > 0 AND NOT attisdropped
"""
_CONSTRAINTS = """
SELECT conrelid::regclass::text || ' ' || conname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid AND NOT relispartition
WHERE connamespace = quote_ident(current_schema())::regnamespace
    AND contype <> 'n'  -- the columns say whether they may be null
"""
_INDEXES = """
SELECT indrelid::regclass::text || ' ' || indexrelid::regclass::text, pg_get_indexdef(indexrelid)
FROM pg_index JOIN pg_class ON pg_class.oid = indrelid AND NOT relispartition
WHERE relnamespace = quote_ident(current_schema())::regnamespace
"""
_STORAGE = """
SELECT oid::regclass::text, concat_ws(' ', relkind, reloptions::text, seqincrement, seqstart)
FROM pg_class LEFT JOIN pg_sequence ON seqrelid = oid
WHERE relnamespace = quote_ident(current_schema())::regnamespace AND relkind IN ('r', 'p', 'S', 'i', 'I')
AND NOT EXISTS (
    SELECT FROM pg_class AS part WHERE part.relispartition
    AND part.oid IN (pg_class.oid, (SELECT indrelid FROM pg_index WHERE indexrelid = pg_class.oid))
)
"""


async def described(database: Database) -> dict[str, str]:
    """Name → definition of every column, constraint, index, table and sequence, but for the migrations' own table and
    for partitions."""
    found: dict[str, str] = {}
    async with database.read() as connection:
        for kind, query in {"column": _COLUMNS, "constraint": _CONSTRAINTS, "index": _INDEXES, "of": _STORAGE}.items():
            for name, definition in await connection.execute(text(query)):
                if not name.startswith("alembic_version"):
                    found[f"{kind} {name}"] = definition
    return found
