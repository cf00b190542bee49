"""found and exempt: units find the requests that wait for them, and an appeal exempts what was left late as well."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.add_check(op, "call", "call_exempt", "NOT exempt OR appeal IS NOT NULL")
    migration_steps.build_index(op, "request_approver_idx", "request (approver, incident_id) WHERE outcome IS NULL")


def downgrade() -> None:
    raise NotImplementedError("an older version refuses what is exempt now: restore a dump from before instead")
