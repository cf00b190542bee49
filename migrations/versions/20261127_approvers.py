"""approvers: a request names the unit above that decides it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.lock(op, "request")
    comment = "the unit that decides it; null: ops alone, or asked before 0025"
    op.add_column("request", sa.Column("approver", sa.Text(collation="C"), comment=comment))


def downgrade() -> None:
    raise NotImplementedError("an older version does not know who was asked: restore a dump from before instead")
