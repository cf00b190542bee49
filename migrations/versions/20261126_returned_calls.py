"""returned calls: found by their month, and what binds by its incident, so that what was returned in error needs no
second look at every call of a month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("call_returned_idx", "call", ["opened_at"], postgresql_where=sa.text("outcome = 'returned'"))
    op.create_index("call_binding_idx", "call", ["incident_id", "unit", "seq"], postgresql_where=sa.text("binding"))


def downgrade() -> None:
    op.drop_index("call_binding_idx", "call")
    op.drop_index("call_returned_idx", "call")
