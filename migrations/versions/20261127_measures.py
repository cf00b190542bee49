"""measures: what else the figures count is stored on the call, and a table has what is known of a month."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_FLAGS = {
    "own_report": "by itself or from below",
    "extended": "its deadline was moved",
    "withdrawn_late": "after the late mark",
}


def upgrade() -> None:
    migration_steps.lock(op, "call")
    for name, comment in _FLAGS.items():
        op.add_column(
            "call", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.text("false"), comment=comment)
        )
    op.create_table(
        "appraisal_month",
        sa.Column("period", sa.Text(collation="C"), nullable=False, comment="YYYY-MM in Asia/Shanghai"),
        sa.Column("definition", sa.Text(), comment="before: it had begun when fair play came into the figures"),
        sa.CheckConstraint("definition = 'before'", name=op.f("appraisal_month_definition")),
        sa.PrimaryKeyConstraint("period", name=op.f("appraisal_month_pkey")),
    )


def downgrade() -> None:
    raise NotImplementedError("an older version has no place for what calls count: restore a dump from before instead")
