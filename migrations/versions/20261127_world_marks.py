"""world marks: a version of the world is told from another one of the same number, which came after a loss."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_SAYS = "random, new with each version of the world"


def upgrade() -> None:
    migration_steps.lock(op, "deployment")
    op.add_column("deployment", sa.Column("world_mark", sa.Uuid(), nullable=True, comment=_SAYS))


def downgrade() -> None:
    op.drop_column("deployment", "world_mark")
