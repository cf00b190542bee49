"""bounds: keys carry systems and quotas, what each subject reports on a day is counted, who assists may decline, and a
partner answers in some categories only."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from service.store import migration_steps

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_OF_KEYS: dict[str, tuple[TypeEngine[Any], str]] = {
    "systems": (sa.ARRAY(sa.Text()), "in whose name it reports; null: none"),
    "quota_reports": (sa.Integer(), "reports a day; null: as the policy says"),
    "quota_urgent": (sa.Integer(), "urgent ones of these; null: as the policy says"),
}


_OTHERS: tuple[tuple[str, sa.Column[Any]], ...] = (
    ("call", sa.Column("declined", sa.ARRAY(sa.Text()), comment="those of assisting that do so no longer")),
    (
        "call",
        sa.Column(
            "answered_by_member", sa.Boolean(), nullable=False, server_default=sa.text("false"), comment="by a partner"
        ),
    ),
    (
        "unit",
        sa.Column(
            "answers_for",
            sa.ARRAY(sa.Text()),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment="of a partner: prefixes",
        ),
    ),
)


def upgrade() -> None:
    migration_steps.lock(op, "access_key", "call", "unit")
    for name, (kind, says) in _OF_KEYS.items():
        op.add_column("access_key", sa.Column(name, kind, nullable=True, comment=says))
    for table, column in _OTHERS:
        op.add_column(table, column)
    op.create_table(
        "report_quota",
        sa.Column("day", sa.Date(), primary_key=True, comment="of Asia/Shanghai"),
        sa.Column("subject", sa.Text(), primary_key=True),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Integer(), nullable=False, comment="how many of the reports"),
        postgresql_with={"fillfactor": "50"},
    )


def downgrade() -> None:
    raise NotImplementedError("an older version has no place for what this one bounds: restore a dump instead")
