"""talk of a subject: an index of comments and urges by who sent them, to count those of an hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_SAYS = "who sent the action, on its first event"
_SAID = "with idempotency_key: who sent the action"
_TALK = "type IN ('sihu.incident.commented', 'sihu.incident.urged')"


def upgrade() -> None:
    op.alter_column("event", "subject", comment=_SAYS, existing_comment=_SAID)
    op.create_index("event_talk_idx", "event", ["subject", "at"], postgresql_where=sa.text(_TALK))


def downgrade() -> None:
    op.drop_index("event_talk_idx", "event")
    op.alter_column("event", "subject", comment=_SAID, existing_comment=_SAYS)
