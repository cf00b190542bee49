"""accountable calls: the missed ones for which another unit answers are found by their month."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.build_index(
        op, "call_accountable_idx", "call (opened_at) WHERE accountable IS NOT NULL AND outcome = 'no_answer'"
    )


def downgrade() -> None:
    op.drop_index("call_accountable_idx", "call")
