"""everyone in the chain: returns, assisting units, merges, ratings, appeals; calls know their place and category."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_CODE = sa.Text(collation="C")
_PLACES = """
UPDATE call SET grid_code = incident.grid_code, category = incident.category
FROM incident WHERE incident.id = call.incident_id
"""


def upgrade() -> None:
    _incidents()
    _calls()


def _incidents() -> None:
    none = sa.text("'{}'")
    for column in (
        sa.Column("returns", sa.SmallInteger(), nullable=False, server_default=sa.text("0")),
        sa.Column(
            "assisting", sa.ARRAY(sa.Text()), nullable=False, server_default=none, comment="those of the last call"
        ),
        sa.Column(
            "rating", sa.SmallInteger(), nullable=True, comment="the reporter's, of the outcome as it stands: 1 to 5"
        ),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
    ):
        op.add_column("incident", column)
    op.create_index(
        "incident_assisting_idx",
        "incident",
        ["assisting"],
        postgresql_using="gin",
        postgresql_where=sa.text("state <> 'closed' AND assisting <> '{}'"),
    )
    op.create_check_constraint(
        op.f("incident_merged"),
        "incident",
        "(closed_as IS NOT DISTINCT FROM 'merged') = (merged_into IS NOT NULL)",
    )
    op.create_check_constraint(op.f("incident_rating"), "incident", "rating BETWEEN 1 AND 5")


def _calls() -> None:
    op.add_column(
        "call",
        sa.Column("grid_code", _CODE, nullable=True, comment="of its incident: figures are counted from calls alone"),
    )
    op.add_column("call", sa.Column("category", _CODE, nullable=True, comment="of its incident"))
    op.execute(_PLACES)
    op.alter_column("call", "grid_code", nullable=False)
    op.alter_column("call", "category", nullable=False)
    for column in (
        sa.Column("end_duty", _CODE, nullable=True, comment="the duty a return cites"),
        sa.Column(
            "parts_done", sa.JSON(), nullable=True, comment="assisting units whose part is done: unit, at, comment"
        ),
        sa.Column(
            "outcome_rating", sa.SmallInteger(), nullable=True, comment="the reporter's, of what came of it: 1 to 5"
        ),
        sa.Column(
            "appeal",
            sa.JSON(),
            nullable=True,
            comment="what the unit says against having missed it, and what was decided",
        ),
        sa.Column(
            "exempt",
            sa.Boolean(),
            nullable=False,
            server_default=sa.text("false"),
            comment="missed, but not scored",
        ),
    ):
        op.add_column("call", column)
    op.create_index(
        "call_opened_idx",
        "call",
        ["opened_at"],
        postgresql_using="brin",
        postgresql_with={"pages_per_range": "32"},
    )
    op.create_check_constraint(
        op.f("call_ratings"), "call", "rating BETWEEN 1 AND 5 AND outcome_rating BETWEEN 1 AND 5"
    )
    op.create_check_constraint(
        op.f("call_exempt"),
        "call",
        "NOT exempt OR (outcome IN ('no_answer','not_resolved') AND appeal IS NOT NULL)",
    )


def downgrade() -> None:
    raise NotImplementedError("0002 has no place for returns, merges, ratings and appeals: restore a dump instead")
