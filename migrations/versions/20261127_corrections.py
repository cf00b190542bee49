"""corrections: which urgencies and kinds a category allows, and what a report named where it is listed by others."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_NONE: dict[str, Any] = {"server_default": sa.text("'{}'"), "comment": "allowed; empty: all"}


def upgrade() -> None:
    migration_steps.lock(op, "category", "report")
    for name in ("urgencies", "kinds"):
        op.add_column("category", sa.Column(name, sa.ARRAY(sa.Text()), nullable=False, **_NONE))
    op.add_column("report", sa.Column("urgency_asked", sa.Text(), comment="which its category does not allow"))
    op.add_column(
        "report", sa.Column("as_reported", sa.JSON(), comment="what it named, where it is listed by something else")
    )


def downgrade() -> None:
    raise NotImplementedError(
        "an older version has no place for what was corrected: restore a dump from before instead"
    )
