"""stretches: the log lies in partitions by ranges of batch ids. What was there becomes the first of them, as it is.

`log_batch` and `event` are new tables of the same names: programs of both versions go on with the next statement. The
counter of batch ids hangs on a DEFAULT, since an identity on a partitioned table needs PostgreSQL 17.
"""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_KEYS = {"event": "batch_id", "log_batch": "id"}
_PRIMARY = {"event": "batch_id, ord", "log_batch": "id"}
_COUNTER = "log_batch_id_seq"


def upgrade() -> None:
    # whoever looks whether this is still the log that it knows reads `log_history` as well, and must not see half of it
    migration_steps.lock(op, *_KEYS, "log_history")
    before = _one("SELECT 'log_batch'::regclass::oid")
    stops = {table: _stop(table) for table in _KEYS}
    last, is_called = _row(f"SELECT last_value, is_called FROM {_one(_COUNTER_NAME)}")
    op.execute("ALTER TABLE log_batch ALTER COLUMN id DROP IDENTITY")
    for table in _KEYS:
        _divide(table, stops[table])
        _make_archive(table)
    op.execute(f"CREATE SEQUENCE {_COUNTER} OWNED BY log_batch.id")
    op.execute(f"SELECT setval('{_COUNTER}', {last}, {is_called})")
    op.execute(f"ALTER TABLE log_batch ALTER COLUMN id SET DEFAULT nextval('{_COUNTER}')")
    _let_writers_count()
    # a log is known by the number of its table, among others: with another one it would pass for a copy
    op.execute(
        f"UPDATE log_history SET server = replace(server, '/{before}@', '/' || 'log_batch'::regclass::oid || '@') "
        "WHERE n = (SELECT max(n) FROM log_history)"
    )


def _divide(table: str, stop: int) -> None:
    """Make the table anew, in partitions, of which what was there is the first. Nothing is read: a CHECK that holds
    already proves where the rows belong."""
    first = f"{table}_from_0"
    op.execute(f"ALTER TABLE {table} RENAME TO {first}")
    shared = []
    for name, is_unique, definition in _rows(_INDEXES, first):
        op.execute(f'ALTER INDEX "{name}" RENAME TO "{_of_first(name, table)}"')
        if not is_unique:
            shared.append((name, definition[definition.index(" USING ") :]))
    model = f"LIKE {first} INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY"
    op.execute(f"CREATE TABLE {table} ({model}) PARTITION BY RANGE ({_KEYS[table]})")
    op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {first}_stretch, ADD PRIMARY KEY ({_PRIMARY[table]})")
    for name, rest in shared:
        op.execute(f'CREATE INDEX "{name}" ON {table}{rest}')
    _let_in(table, first)
    op.execute(f"ALTER TABLE {table} ATTACH PARTITION {first} FOR VALUES FROM (0) TO ({stop})")


def _make_archive(table: str) -> None:
    archive = f"{table}_archive"
    model = f"LIKE {table} INCLUDING ALL EXCLUDING INDEXES EXCLUDING CONSTRAINTS"
    op.execute(f"CREATE TABLE {archive} ({model}) PARTITION BY RANGE ({_KEYS[table]})")
    op.execute(f"ALTER TABLE {archive} ADD PRIMARY KEY ({_PRIMARY[table]})")
    _let_in(archive, f"{table}_from_0")


def _let_in(table: str, model: str) -> None:
    """Give a table the owner and the rights of another."""
    for owner, is_other in _rows(_OWNER, model):
        if is_other:
            op.execute(f"ALTER TABLE {table} OWNER TO {owner}")
    for right, grantee, option in _rows(_RIGHTS, model):
        op.execute(f"GRANT {right} ON {table} TO {grantee}{option}")


def _let_writers_count() -> None:
    """An identity counts for whoever may insert; the counter of a DEFAULT asks for a right of its own."""
    for right, grantee, _ in _rows(_RIGHTS, "log_batch"):
        if right == "INSERT":
            op.execute(f"GRANT USAGE ON SEQUENCE {_COUNTER} TO {grantee}")


def _of_first(name: str, table: str) -> str:
    return f"{table}_from_0{name.removeprefix(table)}" if name.startswith(table) else f"{table}_from_0_{name}"


def _stop(table: str) -> int:
    """The batch id at which the first stretch ends, as 0016 has set it."""
    definition = _one(f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE {_OF_TABLE}", table)
    return max(map(int, re.findall(r"\d+", definition)))


_OF_TABLE = "conrelid = to_regclass(:table) AND conname = :table || '_from_0_stretch' AND convalidated"
_COUNTER_NAME = "SELECT pg_get_serial_sequence('log_batch', 'id')"
_INDEXES = """
SELECT relname, indisunique, pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = to_regclass(:table) ORDER BY relname
"""
_OWNER = """
SELECT quote_ident(pg_get_userbyid(relowner)), pg_get_userbyid(relowner) <> current_user
FROM pg_class WHERE oid = to_regclass(:table)
"""
_RIGHTS = """
SELECT privilege_type, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END,
       CASE WHEN is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
FROM pg_class, aclexplode(relacl) WHERE oid = to_regclass(:table) AND grantee <> relowner
"""


def _rows(query: str, table: str = "") -> list[Any]:
    parameters = {"table": table} if ":table" in query else {}
    return list(op.get_bind().execute(sa.text(query.replace("::", r"\:\:")), parameters))


def _row(query: str, table: str = "") -> Any:
    (found,) = _rows(query, table)
    return found


def _one(query: str, table: str = "") -> Any:
    return _row(query, table)[0]


def downgrade() -> None:
    raise NotImplementedError("batches of further stretches would have no place: restore a dump from before instead")
