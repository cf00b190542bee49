"""months of the log: the events of a month are found without reading the others. A BRIN costs writers next to nothing.

Beside the traffic, each row of the log is shown to lie in what becomes its first stretch (0017).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from service.store import migration_steps

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_INDEX = "event_at_idx"
_STRETCH = 10_000_000


def upgrade() -> None:
    given = op.get_bind().execute(sa.text("SELECT max(id) FROM log_batch")).scalar_one() or 0
    stop = (given // _STRETCH + 2) * _STRETCH  # the present stretch and one that is empty
    for table, key in (("event", "batch_id"), ("log_batch", "id")):
        migration_steps.add_check(op, table, f"{table}_from_0_stretch", f"{key} >= 0 AND {key} < {stop}")
    migration_steps.build_index(op, _INDEX, "event USING brin (at) WITH (autosummarize = on)")


def downgrade() -> None:
    op.drop_index(_INDEX, "event")
    for table in ("event", "log_batch"):
        op.drop_constraint(f"{table}_from_0_stretch", table)
