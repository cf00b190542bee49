"""in confidence: an incident may be for those alone who have to do with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0048"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.lock(op, "incident")
    op.add_column(
        "incident",
        sa.Column(
            "confidential",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="reported in confidence",
        ),
    )


def downgrade() -> None:
    raise NotImplementedError("an older version shows to all what was reported in confidence: restore a dump instead")
