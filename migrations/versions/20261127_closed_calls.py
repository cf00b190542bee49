"""closed calls: those that were voided are found by their month."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.build_index(op, "call_closed_idx", "call (opened_at) WHERE outcome = 'closed'")


def downgrade() -> None:
    op.drop_index("call_closed_idx", "call")
