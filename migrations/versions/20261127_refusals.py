"""refusals: how often somebody was refused in each hour, for auditors and security."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "refusal",
        sa.Column("hour", sa.TIMESTAMP(timezone=True), nullable=False, comment="its beginning"),
        sa.Column("subject", sa.Text(), nullable=False, comment="empty: without a good key, or too many"),
        sa.Column("address", sa.Text(), nullable=False, comment="empty: too many to be told apart"),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("operation", sa.Text(), nullable=False, comment="method and template of the route"),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("hour", "subject", "address", "code", "operation", name=op.f("refusal_pkey")),
    )


def downgrade() -> None:
    op.drop_table("refusal")
