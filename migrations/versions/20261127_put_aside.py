"""put aside: the incidents that could not be swept are found at once, however many others there are."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_INDEX = "incident_put_aside_idx"


def upgrade() -> None:
    migration_steps.build_index(op, _INDEX, "incident (due_at) WHERE faults > 0")


def downgrade() -> None:
    op.drop_index(_INDEX, "incident")
