"""corrected calls: a call may end by a correction."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_OUTCOMES = "'resolved','raised','no_answer','not_resolved','returned','assigned','corrected','closed'"


def upgrade() -> None:
    migration_steps.add_check(op, "call", "call_outcome", f"outcome IN ({_OUTCOMES})")


def downgrade() -> None:
    raise NotImplementedError("an older version knows no corrected call: restore a dump from before instead")
