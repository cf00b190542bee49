"""closed months: a month may be closed, and a table has its figures as they were counted then.

Nothing is closed by the migration. An older program goes on counting every month anew.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_CODE = sa.Text(collation="C")
_COUNTED = (
    *("calls", "answered_in_time", "answered_late", "answered_by_member", "resolved_in_time", "unverified", "pending"),
    *("rejected", "reopened", "resolved_level_1", "resolved_level_2", "resolved_level_3", "resolved_level_4"),
    *("missed_answer", "missed_resolve", "accountable", "exempt_answer", "exempt_resolve", "late_exit"),
    *("late_exit_answer", "late_exit_resolve", "raised", "returned", "returned_in_error", "assigned", "corrected"),
    *("multi_hop", "closed", "merged", "voided", "voided_in_error", "withdrawn_late", "open", "self_reported"),
    *("holds", "extended", "answerable", "resolvable", "answered_credited", "resolved_credited"),
    *("unverified_credited", "street_rated", "reporter_rated"),
)


def upgrade() -> None:
    migration_steps.lock(op, "appraisal_month")
    op.add_column(
        "appraisal_month",
        sa.Column(
            "closed_at",
            sa.TIMESTAMP(timezone=True),
            comment="from then on its figures are those of appraisal_frozen",
        ),
    )
    op.add_column(
        "appraisal_month",
        sa.Column("policy_code", _CODE, comment="the policy that scores them; null: there was none"),
    )
    op.add_column("appraisal_month", sa.Column("policy_version", sa.Integer()))
    op.add_column(
        "appraisal_month",
        sa.Column("digest", sa.Text(), comment="SHA-256 of its rows of appraisal_frozen, in hexadecimal"),
    )
    op.create_table(
        "appraisal_frozen",
        sa.Column("period", _CODE, nullable=False),
        sa.Column("unit", _CODE, nullable=False, comment="of the calls"),
        sa.Column("level", sa.SmallInteger(), nullable=False),
        sa.Column("community", _CODE, nullable=False, comment="the first 12 digits of the cells"),
        sa.Column("line", _CODE, nullable=False, comment="of their categories, as the registry had it"),
        *(_sum(name, sa.Integer()) for name in _COUNTED),
        _sum("street_stars", sa.Integer(), "of street_rated"),
        _sum("reporter_hundredths", sa.Integer(), "of reporter_rated"),
        _sum("held_s", sa.BigInteger(), "seconds on hold"),
        sa.Column("answers", sa.ARRAY(sa.BigInteger()), comment="microseconds until each answer; null: none"),
        sa.Column("resolutions", sa.ARRAY(sa.BigInteger()), comment="microseconds until each resolution; null: none"),
        sa.ForeignKeyConstraint(["period"], ["appraisal_month.period"], name=op.f("appraisal_frozen_period_fkey")),
        sa.PrimaryKeyConstraint("period", "unit", "level", "community", "line", name=op.f("appraisal_frozen_pkey")),
    )


def _sum(name: str, kind: sa.types.TypeEngine[int], comment: str | None = None) -> sa.Column[int]:
    return sa.Column(name, kind, server_default=sa.text("0"), nullable=False, comment=comment)


def downgrade() -> None:
    raise NotImplementedError("an older version has no place for frozen figures: restore a dump from before instead")
