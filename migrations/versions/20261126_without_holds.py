"""without holds: how long a call took to be answered and resolved, without what it was on hold."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_ANSWER_SAYS = "microseconds until its answer, without what it was on hold"
_RESOLVE_SAYS = "microseconds until its resolution, without what it was on hold"
_US = "CAST(date_part('epoch', {took}) * 1000000 AS bigint)"
_HELD = """coalesce((SELECT sum(resumed_at - decided_at) FROM request
                      WHERE request.incident_id = call.incident_id AND request.call = call.seq
                        AND resumed_at IS NOT NULL {which}), '0')"""
_TAKEN = f"""
UPDATE call SET
    answer_us = {_US.format(took="answered_at - opened_at - " + _HELD.format(which="AND box = 'answer'"))},
    resolve_us = CASE outcome WHEN 'resolved' THEN
                 {_US.format(took="ended_at - opened_at - " + _HELD.format(which=""))} END
WHERE answered_at IS NOT NULL
"""
_TOOK = (
    "(answered_at IS NULL) = (answer_us IS NULL)"
    " AND (outcome IS NOT DISTINCT FROM 'resolved') = (resolve_us IS NOT NULL)"
)


def upgrade() -> None:
    op.add_column("call", sa.Column("answer_us", sa.BigInteger(), nullable=True, comment=_ANSWER_SAYS))
    op.add_column("call", sa.Column("resolve_us", sa.BigInteger(), nullable=True, comment=_RESOLVE_SAYS))
    op.execute(_TAKEN)
    op.create_check_constraint(op.f("call_took"), "call", _TOOK)


def downgrade() -> None:
    op.drop_constraint("call_took", "call")
    op.drop_column("call", "resolve_us")
    op.drop_column("call", "answer_us")
