"""workers of a vendor: a key may report for the workers of a vendor, each by name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.lock(op, "access_key")
    op.add_column(
        "access_key",
        sa.Column(
            "may_report_for",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="for the workers of a vendor, by name",
        ),
    )


def downgrade() -> None:
    migration_steps.lock(op, "access_key")
    op.drop_column("access_key", "may_report_for")
