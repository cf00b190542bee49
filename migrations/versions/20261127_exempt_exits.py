"""exempt exits: not only what was missed can be exempt, but also what was left late."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.add_check(op, "call", "call_exempt", "NOT exempt OR outcome IS NOT NULL")


def downgrade() -> None:
    raise NotImplementedError("a late exit may be exempt by now: restore a dump from before instead")
