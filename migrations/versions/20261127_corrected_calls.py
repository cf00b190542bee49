"""corrected calls: a call may end by a correction, and be exempt without an appeal, as after a flood."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_CHECKS = {
    "call_outcome": "outcome IN ('resolved','raised','no_answer','not_resolved','returned','assigned','corrected',"
    "'closed')",
    "call_exempt": "NOT exempt OR late_exit OR outcome IN ('no_answer','not_resolved')",
}


def upgrade() -> None:
    for name, condition in _CHECKS.items():
        migration_steps.add_check(op, "call", name, condition)


def downgrade() -> None:
    raise NotImplementedError("an older version knows no corrected call: restore a dump from before instead")
