"""numbers of a district: the sequence of incident numbers belongs to a column, so that it goes wherever its schema goes.

A district in a schema of its own takes its locks by that schema from here on. Programs from before would take those of
the whole database, so none may work there any more. In the schema `public` the locks are the same for both.
"""

from __future__ import annotations

from alembic import op
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from service.store import migration_steps

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_IS_SHARED = text("SELECT current_schema() <> 'public'")
_NOT_SUPPORTED = "0A000"


def upgrade() -> None:
    connection = op.get_bind()
    if connection.execute(_IS_SHARED).scalar_one():
        migration_steps.demand_no_older_programs(connection, revision)
        migration_steps.contract(op, revision)
    try:
        with connection.begin_nested():
            op.execute("ALTER SEQUENCE incident_number OWNED BY incident.number")
    except DBAPIError as error:
        # an engine that has distributed the schema already keeps its sequences as they are
        if getattr(error.orig, "sqlstate", None) != _NOT_SUPPORTED:
            raise


def downgrade() -> None:
    if op.get_bind().execute(_IS_SHARED).scalar_one():
        op.execute("COMMENT ON TABLE alembic_version IS NULL")
    op.execute("ALTER SEQUENCE incident_number OWNED BY NONE")
