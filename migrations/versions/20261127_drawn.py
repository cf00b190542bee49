"""drawn: an incident that closes as unverified may be drawn for a spot check."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.lock(op, "incident")
    op.add_column(
        "incident",
        sa.Column("drawn", sa.Boolean(), nullable=False, server_default=sa.text("false"), comment="for a spot check"),
    )


def downgrade() -> None:
    raise NotImplementedError("an older version has no place for what was drawn: restore a dump from before instead")
