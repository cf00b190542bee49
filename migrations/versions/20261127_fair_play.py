"""fair play: what decides how much a call counts is stored on the call when it happens."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("urgency", sa.Text(), comment="with which it was opened; null: from before 0018, that of its incident"),
    sa.Column("credit", sa.Text(), comment="what its resolution is worth: null until it is resolved"),
    sa.Column("box_used", sa.Integer(), comment="percent of the running box when it ended, in its own clock"),
    sa.Column(
        "late_exit",
        sa.Boolean(),
        nullable=False,
        server_default=sa.text("false"),
        comment="passed on after the late mark",
    ),
    sa.Column(
        "self_reported",
        sa.Boolean(),
        nullable=False,
        server_default=sa.text("false"),
        comment="by itself, above or below",
    ),
    sa.Column(
        "accountable",
        sa.Text(collation="C"),
        comment="the unit that first passed it on, while nobody has answered",
    ),
    sa.Column("accountable_seq", sa.SmallInteger(), comment="and its call"),
    sa.Column("held_s", sa.Integer(), comment="seconds on hold"),
)


def upgrade() -> None:
    migration_steps.lock(op, "call", "incident")
    op.add_column(
        "incident", sa.Column("reporter_unit", sa.Text(collation="C"), comment="the unit whose key reported it")
    )
    for column in _COLUMNS:
        op.add_column("call", column)


def downgrade() -> None:
    raise NotImplementedError("an older version has no place for what calls count: restore a dump from before instead")
