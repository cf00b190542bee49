"""use of keys: a key is recognised by its first characters, and says on which day it was used last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0043"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.lock(op, "access_key")
    op.add_column("access_key", sa.Column("prefix", sa.Text(), comment="the first 6 characters; null: of an older key"))
    op.add_column(
        "access_key",
        sa.Column("last_used_at", sa.TIMESTAMP(timezone=True), comment="the beginning of that day, Asia/Shanghai"),
    )


def downgrade() -> None:
    migration_steps.lock(op, "access_key")
    op.drop_column("access_key", "last_used_at")
    op.drop_column("access_key", "prefix")
