"""systems of subjects: each subject may go on reporting for the systems for which it has reported before."""

from __future__ import annotations

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        UPDATE access_key SET systems = used.systems
        FROM (
            SELECT subject, array_agg(DISTINCT source_system ORDER BY source_system) AS systems
            FROM report WHERE source_system IS NOT NULL GROUP BY subject
        ) AS used
        WHERE access_key.subject = used.subject
        """
    )


def downgrade() -> None:
    raise NotImplementedError("what was granted is not told from what ops gave: restore a dump from before instead")
