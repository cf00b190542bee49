"""months of the log: the events of a month are found without reading the others. A BRIN costs writers next to nothing."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0016"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEX = "event_at_idx"


def upgrade() -> None:
    migration_steps.build_index(op, _INDEX, "event USING brin (at) WITH (autosummarize = on)")


def downgrade() -> None:
    op.drop_index(_INDEX, "event")
