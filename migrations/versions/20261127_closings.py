"""closings: a closed month has its digest, and no other month has one."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.add_check(
        op,
        "appraisal_month",
        "appraisal_month_closed",
        "(closed_at IS NULL) = (digest IS NULL) AND (policy_code IS NULL) = (policy_version IS NULL)"
        " AND (closed_at IS NOT NULL OR policy_code IS NULL)",
    )


def downgrade() -> None:
    op.drop_constraint("appraisal_month_closed", "appraisal_month")
