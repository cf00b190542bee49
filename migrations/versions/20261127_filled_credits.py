"""filled credits: calls from before fair play get what is known of them, stretch by stretch; their months are marked."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STRETCH = 1_000
"""The number of incidents whose calls are filled in one transaction."""
_BEGUN = sa.text("""
INSERT INTO appraisal_month (period, definition)
SELECT to_char(month, 'YYYY-MM'), 'before'
FROM (SELECT date_trunc('month', min(opened_at) AT TIME ZONE 'Asia/Shanghai') AS first,
             date_trunc('month', max(opened_at) AT TIME ZONE 'Asia/Shanghai') AS last FROM call) AS called,
     generate_series(first, last, '1 month') AS month
ON CONFLICT DO NOTHING
""")
_UPTO = sa.text("SELECT id FROM incident WHERE id > :after ORDER BY id OFFSET :stretch - 1 LIMIT 1")
_LAST = sa.text("SELECT id FROM incident WHERE id > :after ORDER BY id DESC LIMIT 1")
# whoever changes calls holds their incident
_LOCKED = """
WITH locked AS MATERIALIZED (
    SELECT id, state, closed_as, urgency FROM incident WHERE id > :after AND id <= :upto ORDER BY id FOR NO KEY UPDATE)
"""
# the call after a resolved one says what became of it; the last one has what the incident closed as
_CREDITS = """
UPDATE call SET credit = found.credit FROM (
    SELECT resolved.incident_id, resolved.seq, CASE
        WHEN later.cause = 'rejected' THEN 'rejected'
        WHEN later.cause IS NOT NULL THEN 'reopened'
        WHEN locked.state <> 'closed' THEN 'pending'
        WHEN locked.closed_as = 'verified' THEN 'verified'
        ELSE 'unverified' END AS credit
    FROM locked JOIN call AS resolved ON resolved.incident_id = locked.id
    LEFT JOIN call AS later ON later.incident_id = resolved.incident_id AND later.seq = resolved.seq + 1
    WHERE resolved.outcome = 'resolved' AND resolved.credit IS NULL) AS found
WHERE call.incident_id = found.incident_id AND call.seq = found.seq AND call.credit IS NULL
"""
_REQUESTS = """
UPDATE call SET extended = call.extended OR asked.extended,
    held_s = CASE WHEN call.outcome IS NULL THEN NULL ELSE coalesce(call.held_s, CAST(floor(asked.held_s) AS integer)) END
FROM (SELECT ended.incident_id, ended.seq, bool_or(request.kind = 'extend') AS extended,
             date_part('epoch', sum(least(request.resumed_at, ended.ended_at)
                 - coalesce(request.decided_at, request.asked_at)) FILTER (WHERE request.kind = 'hold')) AS held_s
      FROM locked JOIN request ON request.incident_id = locked.id AND request.outcome = 'approved'
      JOIN call AS ended ON ended.incident_id = request.incident_id AND ended.seq = request.call
      GROUP BY 1, 2) AS asked
WHERE call.incident_id = asked.incident_id AND call.seq = asked.seq
"""
_URGENCIES = """
UPDATE call SET urgency = locked.urgency FROM locked
WHERE call.incident_id = locked.id AND call.outcome IS NULL AND call.urgency IS NULL
"""
_FILLS = tuple(sa.text(_LOCKED + fill) for fill in (_CREDITS, _REQUESTS, _URGENCIES))


def upgrade() -> None:
    with op.get_context().autocommit_block():
        connection, after = op.get_bind(), UUID(int=0)
        connection.execute(_BEGUN)
        while True:
            whole = connection.execute(_UPTO, {"after": after, "stretch": _STRETCH}).scalar()
            upto = whole or connection.execute(_LAST, {"after": after}).scalar()
            if upto is None:
                return
            for fill in _FILLS:
                connection.execute(fill, {"after": after, "upto": upto})
            after = upto


def downgrade() -> None:
    """What was filled stays: the columns go with the revisions that made them."""
