"""The steps of migrations that run beside the traffic: locks, indexes, and the end of a program's fitness.

A migration only adds at first (expand). What an older program needs is taken away in a later release (contract), and
that migration says so, since programs of two versions serve one database while it is upgraded.
"""

from __future__ import annotations

from typing import Protocol

from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

_NEEDS_PROGRAM = "programs that know revision "
"""How the comment on `alembic_version` begins. The revision follows, and nothing else."""
_COMMENT = text("SELECT obj_description(to_regclass('alembic_version'), 'pg_class')")


# programs from before districts shared a database did not name their schema (`sessions`), and had a role for each
_OLDER_SESSIONS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
    "AND pid <> pg_backend_pid() AND application_name ~ '^sihu( (people|patient|parts|engine|tail|probe))?$' "
    "AND EXISTS (SELECT FROM log_history)"
)


class NotYetError(Exception):
    """A migration cannot be made before somebody has done something else. The message is one line that says what."""


class Steps(Protocol):
    """What a migration works with: the module `alembic.op`, or an `Operations`."""

    def execute(self, sqltext: str) -> None: ...
    def get_context(self) -> MigrationContext: ...


def lock(operations: Steps, *tables: str) -> None:
    """Lock the tables that a migration changes, in one order and with the strongest lock, before anything else: a
    migration that took a weaker lock first would wait for people who wait for it."""
    operations.execute(f"LOCK TABLE {', '.join(sorted(tables))} IN ACCESS EXCLUSIVE MODE")


def build_index(operations: Steps, name: str, definition: str, *, unique: bool = False) -> None:
    """Build an index beside the traffic. `definition` is what follows `ON`, such as `call (unit)`. It is to be the last
    step of its migration, and alone there: it runs outside any transaction. What an earlier try has left is dropped."""
    kind = "UNIQUE INDEX" if unique else "INDEX"
    with operations.get_context().autocommit_block():
        operations.execute("SET lock_timeout = 0")  # it waits for others without keeping anybody waiting
        operations.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        operations.execute(f"CREATE {kind} CONCURRENTLY {name} ON {definition}")


def add_check(operations: Steps, table: str, name: str, condition: str) -> None:
    """Add a CHECK beside the traffic: it holds for new rows from an instant on, and then the others are read. What an
    earlier try has left is dropped. It is not to come after a step that needs its transaction."""
    with operations.get_context().autocommit_block():
        operations.execute("SET lock_timeout = '500ms'")
        operations.execute(
            f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}, ADD CONSTRAINT {name} CHECK ({condition}) NOT VALID"
        )
        operations.execute("SET lock_timeout = 0")  # it waits for others without keeping anybody waiting
        operations.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def contract(operations: Steps, revision: str) -> None:
    """Note that from now on only programs that know `revision` can work on the tables. Every program asks before it
    begins, and again at each look at its readiness: an older one then answers 503."""
    operations.execute(f"COMMENT ON TABLE alembic_version IS '{_NEEDS_PROGRAM}{revision}'")


def demand_no_older_programs(connection: Connection, revision: str) -> None:
    """Make sure that no program works on this district that does not know `revision`. In the schema `public` such
    programs may go on; in any other one, where the revision changes what they share with later ones, they are refused.

    Raises:
        NotYetError: some are connected.
    """
    older = connection.execute(_OLDER_SESSIONS).scalar_one()
    if older:
        raise NotYetError(
            f"{older} connections of an older sihu are open, which cannot work in a schema of its own beside programs "
            f"that know revision {revision}: stop its processes, run `sihu migrate`, and start the new ones"
        )


def oldest_program(connection: Connection) -> str | None:
    """Return the revision that a program has to know in order to work on these tables; None when any may."""
    comment = connection.execute(_COMMENT).scalar_one()
    return None if comment is None else comment.removeprefix(_NEEDS_PROGRAM)
