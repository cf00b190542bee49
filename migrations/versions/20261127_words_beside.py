"""words beside: the words of an act, and who acted, lie beside the log, which keeps the hash of each text.

Nothing is moved here: every process works through the events from before, a stretch at a time.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0046"
down_revision = "0045"
branch_labels = None
depends_on = None

_HASH = "of its salted text; null: it has no words and no person"
_SALT = "with the text it makes the first event's text_sha256; null: not yet"
_GROWS = {"autovacuum_vacuum_insert_scale_factor": "0", "autovacuum_vacuum_insert_threshold": "200000"}


def upgrade() -> None:
    migration_steps.lock(op, "event", "event_archive", "report")
    for table in ("event", "event_archive"):
        op.add_column(table, sa.Column("text_sha256", sa.LargeBinary(), comment=_HASH))
    op.add_column("report", sa.Column("salt", sa.LargeBinary(), comment=_SALT))
    op.create_table(
        "event_text",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), comment="the words of whoever acted"),
        sa.Column("subject", sa.Text(), comment="who acted"),
        sa.Column("salt", sa.LargeBinary(), nullable=False, comment="with the text it makes the event's text_sha256"),
        sa.PrimaryKeyConstraint("incident_id", "sequence", name="event_text_pkey"),
        postgresql_with=_GROWS,
    )
    op.create_table(
        "words_moved",
        sa.Column("only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "up_to", sa.BigInteger(), nullable=False, comment="no event up to this position has words in its data"
        ),
        sa.CheckConstraint('"only"', name=op.f("words_moved_one_row")),
        sa.PrimaryKeyConstraint("only", name="words_moved_pkey"),
    )
    op.execute("INSERT INTO words_moved (up_to) VALUES (0)")


def downgrade() -> None:
    raise NotImplementedError("an older version has no place for words beside the log: restore a dump instead")
