"""reports of workers: the list of all that the workers of a vendor reported reads an index."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.build_index(
        op,
        "report_worker_idx",
        "report (split_part(reporter, '/', 1), reported_at DESC, id DESC) WHERE strpos(reporter, '/') > 0",
    )


def downgrade() -> None:
    op.drop_index("report_worker_idx", table_name="report")
