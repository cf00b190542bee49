"""keys of walls: a key may be for a screen that nobody touches, and only read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.lock(op, "access_key")
    op.add_column(
        "access_key", sa.Column("wall", sa.Boolean(), comment="for a screen on a wall: it only reads; null: no")
    )


def downgrade() -> None:
    raise NotImplementedError("an older version would let these keys write: restore a dump instead")
