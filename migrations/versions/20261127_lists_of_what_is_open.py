"""lists of what is open: the indexes by which lists of open and of changed incidents are read."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INDEXES = {
    "incident_open_idx": "incident (reported_at DESC, id DESC) WHERE state <> 'closed'",
    "incident_heard_idx": (
        "incident USING gin (audience) WHERE state <> 'closed'"
        """ AND NOT audience <@ ARRAY["left"(grid_code, 9), "left"(grid_code, 12)]"""
    ),
    "incident_updated_idx": "incident USING brin (updated_at) WITH (pages_per_range = 32, autosummarize = on)",
}


def upgrade() -> None:
    for name, definition in _INDEXES.items():
        migration_steps.build_index(op, name, definition)


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "incident")
