"""granted extensions: what each added to its box, in the call's own clock, whatever the calendar becomes.

Those approved before keep the instant they were granted until.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_SAYS = "what an extension added to the box, in the call's own clock"


def upgrade() -> None:
    op.add_column("request", sa.Column("granted", sa.Interval(), nullable=True, comment=_SAYS))


def downgrade() -> None:
    op.drop_column("request", "granted")
