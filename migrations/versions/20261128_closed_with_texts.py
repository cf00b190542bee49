"""closed with texts: the engine finds what is to be erased without a look at all history."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.build_index(
        op, "incident_texts_idx", "incident (closed_at, id) WHERE state = 'closed' AND has_texts"
    )


def downgrade() -> None:
    op.drop_index("incident_texts_idx", table_name="incident")
