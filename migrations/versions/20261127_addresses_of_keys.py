"""addresses of keys: a key may be bound to the networks from which it is used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.lock(op, "access_key")
    op.add_column("access_key", sa.Column("allow", sa.ARRAY(sa.Text()), comment="from which networks; null: from all"))


def downgrade() -> None:
    raise NotImplementedError("an older version would take these keys from anywhere: restore a dump instead")
