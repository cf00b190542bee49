"""means: the database refuses a mean of ratings without a rating, or outside the stars."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_CHECKS = (
    ("call", "call_mean", "outcome_mean IS NULL OR (outcome_rating IS NOT NULL AND outcome_mean BETWEEN 100 AND 500)"),
    ("incident", "incident_mean", "rating_mean IS NULL OR (rating IS NOT NULL AND rating_mean BETWEEN 100 AND 500)"),
)


def upgrade() -> None:
    for table, name, condition in _CHECKS:
        migration_steps.add_check(op, table, name, condition)


def downgrade() -> None:
    for table, name, _ in _CHECKS:
        op.drop_constraint(name, table)
