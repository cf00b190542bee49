"""returned calls: found by their month, so that those returned in error need no second look at every call of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("call_returned_idx", "call", ["opened_at"], postgresql_where=sa.text("outcome = 'returned'"))


def downgrade() -> None:
    op.drop_index("call_returned_idx", "call")
