"""duty proposals: what was asked to become a duty, and who admitted it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_TIME = sa.TIMESTAMP(timezone=True)
_CODE = sa.Text(collation="C")
_DECIDED = "(approved_at IS NULL) = (approved_by IS NULL) AND (approved_at IS NULL) = (valid_from IS NULL)"


def upgrade() -> None:
    op.create_table(
        "duty_proposal",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("code", _CODE, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category", _CODE, nullable=False),
        sa.Column("area", _CODE, nullable=False),
        sa.Column("lead_unit", _CODE, nullable=False),
        sa.Column("assisting", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("valid_to", _TIME, nullable=True),
        sa.Column("proposed_by", sa.JSON(), nullable=False),
        sa.Column("proposed_at", _TIME, nullable=False),
        sa.Column("approved_by", sa.JSON(), nullable=True),
        sa.Column("approved_at", _TIME, nullable=True),
        sa.Column("valid_from", _TIME, nullable=True, comment="from when the duty is in force, as approved"),
        sa.CheckConstraint(_DECIDED, name=op.f("duty_proposal_approved")),
        sa.CheckConstraint("valid_from >= approved_at", name=op.f("duty_proposal_not_in_the_past")),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("duty_proposal_validity")),
        sa.PrimaryKeyConstraint("id", name=op.f("duty_proposal_pkey")),
    )
    op.create_index(
        "duty_proposal_open_key",
        "duty_proposal",
        ["code"],
        unique=True,
        postgresql_where=sa.text("approved_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("an older version has no place for proposals: restore a dump from before instead")
