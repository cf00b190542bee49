"""credits: the database refuses a credit of what is not resolved, and half of an accountable call."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_CHECKS = {
    "call_credit": "credit IN ('pending','verified','unverified','rejected','reopened')"
    " AND (credit IS NULL OR outcome IS NOT DISTINCT FROM 'resolved')",
    "call_accountable": "(accountable IS NULL) = (accountable_seq IS NULL)",
}


def upgrade() -> None:
    for name, condition in _CHECKS.items():
        migration_steps.add_check(op, "call", name, condition)


def downgrade() -> None:
    for name in _CHECKS:
        op.drop_constraint(name, "call")
