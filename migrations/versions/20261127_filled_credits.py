"""filled credits: calls from before fair play get what their incidents and requests tell of them, stretch by stretch."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_STRETCH = 5_000
"""The number of incidents whose calls are filled in one transaction."""
_UPTO = sa.text("SELECT id FROM incident WHERE id > :after ORDER BY id OFFSET :stretch - 1 LIMIT 1")
_LAST = sa.text("SELECT id FROM incident WHERE id > :after ORDER BY id DESC LIMIT 1")
# the call after a resolved one says what became of it; the last one has what the incident closed as
_CREDITS = sa.text("""
UPDATE call SET credit = found.credit FROM (
    SELECT resolved.incident_id, resolved.seq, CASE
        WHEN later.cause = 'rejected' THEN 'rejected'
        WHEN later.cause IS NOT NULL THEN 'reopened'
        WHEN incident.state <> 'closed' THEN 'pending'
        WHEN incident.closed_as = 'verified' THEN 'verified'
        ELSE 'unverified' END AS credit
    FROM call AS resolved JOIN incident ON incident.id = resolved.incident_id
    LEFT JOIN call AS later ON later.incident_id = resolved.incident_id AND later.seq = resolved.seq + 1
    WHERE resolved.incident_id > :after AND resolved.incident_id <= :upto
      AND resolved.outcome = 'resolved' AND resolved.credit IS NULL) AS found
WHERE call.incident_id = found.incident_id AND call.seq = found.seq AND call.credit IS NULL
""")
_REQUESTS = sa.text("""
UPDATE call SET extended = call.extended OR asked.extended,
    held_s = CASE WHEN call.outcome IS NULL OR call.held_s IS NOT NULL THEN call.held_s
        ELSE CAST(floor(date_part('epoch', (SELECT sum(least(hold.resumed_at, call.ended_at) - coalesce(hold.decided_at, hold.asked_at))
            FROM request AS hold WHERE hold.incident_id = call.incident_id AND hold.call = call.seq
            AND hold.kind = 'hold' AND hold.outcome = 'approved'))) AS integer) END
FROM (SELECT incident_id, call AS seq, bool_or(kind = 'extend') AS extended FROM request
      WHERE outcome = 'approved' AND incident_id > :after AND incident_id <= :upto GROUP BY 1, 2) AS asked
WHERE call.incident_id = asked.incident_id AND call.seq = asked.seq
""")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        connection, after = op.get_bind(), UUID(int=0)
        while True:
            whole = connection.execute(_UPTO, {"after": after, "stretch": _STRETCH}).scalar()
            upto = whole or connection.execute(_LAST, {"after": after}).scalar()
            if upto is None:
                return
            for fill in (_CREDITS, _REQUESTS):
                connection.execute(fill, {"after": after, "upto": upto})
            after = upto


def downgrade() -> None:
    """What was filled stays: the columns go with the revisions that made them."""
