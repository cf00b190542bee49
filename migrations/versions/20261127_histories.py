"""histories: each batch of the log has a random mark, and the log remembers where it went on from a copy.

Batches from before have no mark: a default that is random would rewrite the table, while a default that is set after
the column was added counts for new rows only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_RANDOM = sa.text("gen_random_uuid()")
_MARK = "tells it from a batch that gets its number after a loss"


def upgrade() -> None:
    migration_steps.lock(op, "log_batch")
    op.add_column("log_batch", sa.Column("mark", sa.Uuid(), nullable=True, comment=_MARK))
    op.alter_column("log_batch", "mark", server_default=_RANDOM)
    op.create_table(
        "log_history",
        sa.Column("n", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("mark", sa.Uuid(), server_default=_RANDOM, nullable=False),
        sa.Column(
            "server", sa.Text(), nullable=False, comment="which copy of the tables, on which server and timeline"
        ),
        sa.Column(
            "begins_after",
            sa.BigInteger(),
            nullable=True,
            comment="the last position it shares with the history before; null: not known",
        ),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(
            "announced",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="an event of the log says that it was taken back",
        ),
        sa.PrimaryKeyConstraint("n", name=op.f("log_history_pkey")),
    )


def downgrade() -> None:
    raise NotImplementedError("the ids of events would change: restore a dump from before instead")
