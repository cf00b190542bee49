"""sessions of browsers: whoever signed in on a page, by a hash of the cookie; and the issuer that was known last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0053"
down_revision = "0051"
branch_labels = None
depends_on = None

TIME = sa.TIMESTAMP(timezone=True)
CODE = sa.Text(collation="C")


def upgrade() -> None:
    op.create_table(
        "access_session",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False, comment="SHA-256 of the cookie; the cookie is not kept"),
        sa.Column("key_id", sa.Uuid(), comment="the key it was begun with; null: a person of the issuer"),
        sa.Column("role", sa.Text(), comment="of such a person, with the next three"),
        sa.Column("subject", sa.Text()),
        sa.Column("unit", CODE),
        sa.Column("area", CODE),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("idle", sa.Interval(), comment="without a request it ends after so long; null: it does not"),
        sa.Column("seen_at", TIME, nullable=False, comment="the last request, as far as it is written"),
        sa.Column("ended_at", TIME, comment="signed out, or idle for too long"),
        sa.PrimaryKeyConstraint("id", name="access_session_pkey"),
        sa.UniqueConstraint("digest", name="access_session_digest_key"),
        sa.CheckConstraint("(key_id IS NULL) = (role IS NOT NULL AND subject IS NOT NULL)", name="whose"),
    )
    ended = sa.text("ended_at IS NOT NULL")
    op.create_index("access_session_ended_idx", "access_session", ["ended_at"], postgresql_where=ended)
    op.create_index("access_session_expires_at_idx", "access_session", ["expires_at"])
    op.create_table(
        "sign_on",
        sa.Column("only", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text()),
        sa.Column("audience", sa.Text()),
        sa.Column("claims", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("only", name="sign_on_pkey"),
        sa.CheckConstraint('"only"', name="one_row"),
    )


def downgrade() -> None:
    op.drop_table("sign_on")
    op.drop_table("access_session")
