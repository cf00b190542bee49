"""time and place: holds and extensions, working days, policies as written, shapes of cells."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TIME = sa.TIMESTAMP(timezone=True)
_CODE = sa.Text(collation="C")

_DOCUMENTS = """
UPDATE policy SET created_at = imported_at, created_by = '{"kind": "ops"}', document = json_build_object(
    'verify_s', verify_s, 'reopen_s', reopen_s, 'calendar', NULL, 'hours', json_build_array(),
    'warn', json_build_array(), 'holds', 1, 'hold_s', 31536000, 'extensions', 2, 'extend_percent', 100, 'returns', 2,
    'rows', (
        SELECT json_agg(json_build_object(
            'level', level, 'urgency', urgency, 'category', '', 'answer_s', answer_s, 'resolve_s', resolve_s,
            'clock', clock) ORDER BY level, urgency)
        FROM policy_box WHERE policy_box.code = policy.code AND policy_box.version = policy.version))
"""
_ACTIVATIONS = """
INSERT INTO policy_activation (at, code, version, activated_at, activated_by)
SELECT imported_at, code, version, imported_at, '{"kind": "ops"}' FROM policy ORDER BY active, imported_at, version
"""


def upgrade() -> None:
    _incidents()
    _requests()
    _policies()
    op.create_table(
        "calendar_day",
        sa.Column("calendar", _CODE, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("workday", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("changed_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("calendar", "day", name=op.f("calendar_day_pkey")),
    )
    op.add_column(
        "cell", sa.Column("shape", sa.JSON(), comment="rings of [longitude, latitude], degrees WGS-84", nullable=True)
    )


def _incidents() -> None:
    false, zero = sa.text("false"), sa.text("0")
    for column in (
        sa.Column(
            "warned", sa.SmallInteger(), nullable=False, server_default=zero, comment="warning marks passed in the box"
        ),
        sa.Column("provisional", sa.Boolean(), nullable=False, server_default=false),
        sa.Column(
            "requests", sa.SmallInteger(), nullable=False, server_default=zero, comment="holds and extensions asked"
        ),
    ):
        op.add_column("incident", column)
    for column in (
        sa.Column("lat", sa.Double(), nullable=True, comment="degrees WGS-84, whatever was sent"),
        sa.Column("lon", sa.Double(), nullable=True),
        sa.Column("location_mismatch", sa.Boolean(), nullable=False, server_default=false),
    ):
        op.add_column("report", column)
    op.alter_column("report", "location", comment="as it was sent")


def _requests() -> None:
    op.create_table(
        "request",
        sa.Column("incident_id", sa.Uuid(), nullable=False),
        sa.Column("n", sa.SmallInteger(), nullable=False),
        sa.Column("district", _CODE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("call", sa.SmallInteger(), nullable=False, comment="seq of the call it is about"),
        sa.Column("until", _TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.JSON(), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("decided_by", sa.JSON(), nullable=True),
        sa.Column("decided_at", _TIME, nullable=True),
        sa.Column("decided_reason", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("box", sa.Text(), nullable=True, comment="which box it stopped or moved: answer or resolve"),
        sa.Column("resumed_at", _TIME, nullable=True),
        sa.CheckConstraint("kind IN ('hold','extend')", name=op.f("request_kind")),
        sa.CheckConstraint("outcome IN ('approved','refused','lapsed')", name=op.f("request_outcome")),
        sa.CheckConstraint("(outcome IS NULL) = (decided_at IS NULL)", name=op.f("request_decided")),
        sa.CheckConstraint("(outcome IS NOT DISTINCT FROM 'approved') = (box IS NOT NULL)", name=op.f("request_box")),
        sa.CheckConstraint("resumed_at IS NULL OR kind = 'hold'", name=op.f("request_resumed")),
        sa.PrimaryKeyConstraint("incident_id", "n", name=op.f("request_pkey")),
    )
    op.create_index(
        "request_open_key", "request", ["incident_id"], unique=True, postgresql_where=sa.text("outcome IS NULL")
    )


def _policies() -> None:
    """Every version keeps what it said; a version counts as activated when it was imported."""
    new = (("document", sa.JSON()), ("created_at", _TIME), ("created_by", sa.JSON()))
    for name, kind in new:
        op.add_column("policy", sa.Column(name, kind, nullable=True))
    op.execute(_DOCUMENTS)
    op.alter_column("policy", "document", nullable=False, comment="its rules, as store/policies.py writes them")
    op.alter_column("policy", "created_at", nullable=False)
    op.alter_column("policy", "created_by", nullable=False)
    op.create_table(
        "policy_activation",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("at", _TIME, nullable=False, comment="incidents reported from then on are under it"),
        sa.Column("code", _CODE, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("activated_at", _TIME, nullable=False),
        sa.Column("activated_by", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["code", "version"], ["policy.code", "policy.version"], name=op.f("policy_activation_code_version_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("policy_activation_pkey")),
    )
    op.execute(_ACTIVATIONS)
    op.drop_index("policy_active_key", table_name="policy")
    for name in ("verify_s", "reopen_s", "imported_at", "active"):
        op.drop_column("policy", name)
    op.drop_table("policy_box")


def downgrade() -> None:
    raise NotImplementedError(
        "0001 has no place for holds, working days and drafts: restore a dump from before instead"
    )
