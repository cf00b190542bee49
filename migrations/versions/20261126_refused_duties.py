"""refused duties: a proposal ends by being refused or withdrawn too, with who did it, when and why."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_TABLE, _OPEN = "duty_proposal", "duty_proposal_open_key"
_REFUSED = "(refused_at IS NULL) = (refused_by IS NULL) AND (refused_at IS NULL) = (refused_reason IS NULL)"


def upgrade() -> None:
    op.add_column(_TABLE, sa.Column("refused_by", sa.JSON(), nullable=True))
    op.add_column(_TABLE, sa.Column("refused_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.add_column(_TABLE, sa.Column("refused_reason", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("duty_proposal_refused"), _TABLE, _REFUSED)
    op.create_check_constraint(op.f("duty_proposal_decided_once"), _TABLE, "approved_at IS NULL OR refused_at IS NULL")
    op.drop_index(_OPEN, _TABLE)
    still = sa.text("approved_at IS NULL AND refused_at IS NULL")
    op.create_index(_OPEN, _TABLE, ["code"], unique=True, postgresql_where=still)


def downgrade() -> None:
    raise NotImplementedError(
        "an older version would take what was refused for open: restore a dump from before instead"
    )
