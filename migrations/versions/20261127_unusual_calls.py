"""unusual calls: those to which something happened that most calls have not, by month."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None

_INDEX = "call_unusual_idx"
_UNUSUAL = (
    "late_exit OR exempt OR self_reported OR withdrawn_late OR extended OR answered_by_member OR held_s IS NOT NULL"
    " OR accountable_seq IS NOT NULL"
)


def upgrade() -> None:
    migration_steps.build_index(op, _INDEX, f"call (opened_at) WHERE {_UNUSUAL}")


def downgrade() -> None:
    op.drop_index(_INDEX, "call")
