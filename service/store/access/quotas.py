"""How much each subject has reported on a day: one row for each subject and day, counted up by what stores the reports.

The row of a subject is locked from there until the commit, so whoever counts reads what all processes have counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.worktime import ZONE
from service.store.access.tables import report_quota
from service.store.counting import Counts

MAX_PIECE = 1000
"""The rows of past days that one transaction removes."""


def day_of(now: datetime) -> date:
    """Return the day of Asia/Shanghai for which reports are counted at `now`."""
    return now.astimezone(ZONE).date()


def counts_of(day: date, counts: Sequence[tuple[str, int, int]], above: tuple[int, int]) -> Counts:
    """Return the rows to count up: subject, and how many reports and urgent ones came on a day. They are always in one
    order, so that two processes may wait for each other, but never in a circle. `above` are the limits, reports and
    urgent ones, beyond which a row comes back."""
    subjects, reports, urgent = zip(*sorted(counts), strict=True)
    page = {"day": [day] * len(subjects), "subject": subjects, "reports": reports, "urgent": urgent}
    return Counts(report_quota, page, dict(zip(("reports", "urgent"), above, strict=True)))


async def remove_before(tx: AsyncConnection, day: date) -> int:
    """Remove at most `MAX_PIECE` rows of the days before `day`. Returns how many there were."""
    key = tuple_(report_quota.c.day, report_quota.c.subject)
    old = select(report_quota.c.day, report_quota.c.subject).where(report_quota.c.day < day)
    # whoever removes the same rows at the same moment is left to it
    piece = old.order_by(*report_quota.primary_key).limit(MAX_PIECE).with_for_update(skip_locked=True)
    return (await tx.execute(delete(report_quota).where(key.in_(piece)))).rowcount
