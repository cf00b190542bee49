"""bounds: keys carry systems and quotas, and what each subject reports on a day is counted."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import TypeEngine

from service.store import migration_steps

revision = "0027"
down_revision = "0019"
branch_labels = None
depends_on = None

_OF_KEYS: dict[str, tuple[TypeEngine[Any], str]] = {
    "systems": (sa.ARRAY(sa.Text()), "in whose name it reports; null: none"),
    "quota_reports": (sa.Integer(), "reports a day; null: as the policy says"),
    "quota_urgent": (sa.Integer(), "urgent ones of these; null: as the policy says"),
}


def upgrade() -> None:
    migration_steps.lock(op, "access_key")
    for name, (kind, says) in _OF_KEYS.items():
        op.add_column("access_key", sa.Column(name, kind, nullable=True, comment=says))
    op.create_table(
        "report_quota",
        sa.Column("day", sa.Date(), primary_key=True, comment="of Asia/Shanghai"),
        sa.Column("subject", sa.Text(), primary_key=True),
        sa.Column("reports", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Integer(), nullable=False, comment="how many of the reports"),
        postgresql_with={"fillfactor": "50"},
    )


def downgrade() -> None:
    raise NotImplementedError(
        "an older version has no place for systems and quotas: restore a dump from before instead"
    )
