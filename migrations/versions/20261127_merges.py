"""merges: the latest that the deadlines of a call may be, and the ratings of several reporters."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_MEAN = "hundredths of a star: the mean, where several reporters rated it"
_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("answer_cap", sa.DateTime(timezone=True), comment="the latest that answer_by may be"),
    sa.Column("resolve_cap", sa.DateTime(timezone=True), comment="the latest that resolve_by may be"),
    sa.Column("outcome_mean", sa.SmallInteger(), comment=_MEAN),
    sa.Column(
        "outcome_ratings",
        sa.JSON(),
        comment="the reporters' ratings: subject, score; null: before 0023, one alone",
    ),
)


def upgrade() -> None:
    migration_steps.lock(op, "call", "incident")
    op.add_column("incident", sa.Column("rating_mean", sa.SmallInteger(), comment=_MEAN))
    for column in _COLUMNS:
        op.add_column("call", column)


def downgrade() -> None:
    raise NotImplementedError("an older version has no place for what a merge owes: restore a dump from before instead")
