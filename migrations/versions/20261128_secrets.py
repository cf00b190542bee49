"""secrets: a contact is kept encrypted, and texts can be erased."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps
from service.store.metadata import GROWS

revision = "0050"
down_revision = "0048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration_steps.lock(op, "incident", "report", "request")
    op.create_table(
        "secret_key",
        sa.Column("n", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False, comment="made from the key, which is not kept here"),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False, comment="since when it seals"),
        sa.PrimaryKeyConstraint("n", name="secret_key_pkey"),
        sa.UniqueConstraint("id", name="secret_key_id_key"),
    )
    op.create_table(
        "contact",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("district", sa.Text(collation="C"), nullable=False),
        sa.Column("sealed_by", sa.Text(), nullable=False, comment="id of the secret key"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False, comment="the contact as it was sent, encrypted"),
        sa.Column("name", sa.Text(), comment="masked, as everybody sees it"),
        sa.Column("phone", sa.Text(), comment="masked, as everybody sees it"),
        sa.PrimaryKeyConstraint("incident_id", name="contact_pkey"),
        postgresql_with=GROWS,
    )
    op.create_index("contact_sealed_by_idx", "contact", ["sealed_by", "incident_id"])
    op.add_column(
        "incident",
        sa.Column("erased_at", sa.TIMESTAMP(timezone=True), comment="when texts and contact were erased last"),
    )
    op.add_column(
        "incident",
        sa.Column(
            "has_texts", sa.Boolean(), nullable=False, server_default=sa.text("true"), comment="that were not erased"
        ),
    )
    op.alter_column("report", "description", nullable=True, comment="null: erased")
    op.alter_column("request", "reason", nullable=True, comment="null: erased")


def downgrade() -> None:
    raise NotImplementedError("an older version would lose the contacts: restore a dump instead")
