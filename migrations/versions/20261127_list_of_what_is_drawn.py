"""list of what is drawn: the incidents that were drawn for a spot check, newest first."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

_INDEX = "incident_drawn_idx"


def upgrade() -> None:
    migration_steps.build_index(op, _INDEX, "incident (reported_at DESC, id DESC) WHERE drawn")


def downgrade() -> None:
    op.drop_index(_INDEX, "incident")
