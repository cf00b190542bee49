"""seeds: each month has a secret number, by which spot checks are drawn."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "appraisal_seed",
        sa.Column("period", sa.Text(collation="C"), nullable=False, comment="YYYY-MM in Asia/Shanghai"),
        sa.Column("seed", sa.LargeBinary(), nullable=False, comment="a secret until the month is closed"),
        sa.Column(
            "published_at", sa.TIMESTAMP(timezone=True), nullable=False, comment="when its SHA-256 was put into the log"
        ),
        sa.CheckConstraint("octet_length(seed) = 32", name=op.f("appraisal_seed_seed")),
        sa.PrimaryKeyConstraint("period", name=op.f("appraisal_seed_pkey")),
    )


def downgrade() -> None:
    raise NotImplementedError(
        "an older version has no place for seeds, whose digests are known: restore a dump instead"
    )
