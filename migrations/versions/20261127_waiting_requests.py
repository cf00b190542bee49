"""waiting requests: units find those that wait for them."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.build_index(op, "request_approver_idx", "request (approver, incident_id) WHERE outcome IS NULL")


def downgrade() -> None:
    op.drop_index("request_approver_idx", "request")
