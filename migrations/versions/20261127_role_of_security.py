"""role of security: those who look after keys may have a role of their own."""

from __future__ import annotations

from alembic import op

from service.store import migration_steps

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    roles = "role IN ('reporter','unit','auditor','ops','security')"
    migration_steps.add_check(op, "access_key", "access_key_role", roles)


def downgrade() -> None:
    raise NotImplementedError("an older version does not know this role: restore a dump instead")
