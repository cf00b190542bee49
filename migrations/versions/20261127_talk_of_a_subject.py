"""talk of a subject: comments and urges are found by who sent them and when, to count those of an hour."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_INDEX = "event_talk_idx"
_TALK = "type IN ('sihu.incident.commented', 'sihu.incident.urged')"


def upgrade() -> None:
    migration_steps.build_index(op, _INDEX, f"event (subject, at) WHERE {_TALK}")


def downgrade() -> None:
    op.drop_index(_INDEX, "event")
