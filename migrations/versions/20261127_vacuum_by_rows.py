"""vacuum by rows: hot tables are vacuumed after so many rows, not after a share of all there ever were."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_CHANGED = {
    "autovacuum_vacuum_scale_factor": "0",
    "autovacuum_vacuum_threshold": "20000",
    "autovacuum_analyze_scale_factor": "0",
    "autovacuum_analyze_threshold": "20000",
}
_ADDED = {"autovacuum_vacuum_insert_scale_factor": "0", "autovacuum_vacuum_insert_threshold": "200000"}
_SETTINGS = {
    "incident": _CHANGED | _ADDED,
    "call": _CHANGED | _ADDED,
    "log_batch": _CHANGED | _ADDED,
    "report": _ADDED,
    "event": _ADDED,
}


def upgrade() -> None:
    for table, settings in _SETTINGS.items():
        op.execute(f"ALTER TABLE {table} SET ({', '.join(f'{name} = {value}' for name, value in settings.items())})")
    op.execute("ALTER INDEX call_opened_idx SET (autosummarize = on)")
    migration_steps.build_index(op, "log_batch_unnumbered_idx", "log_batch (id) WHERE last_position IS NULL")


def downgrade() -> None:
    op.drop_index("log_batch_unnumbered_idx", "log_batch")
    op.execute("ALTER INDEX call_opened_idx RESET (autosummarize)")
    for table, settings in _SETTINGS.items():
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(settings)})")
