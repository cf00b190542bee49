"""When a box ends. Policy rows give seconds and a clock; this is the only place that turns them into an instant."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from service.rules.words import Clock

ZONE = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has one time zone and no daylight saving (domain page §5). Stored times are UTC; years and days are these."""


def due(start: datetime, seconds: int, clock: Clock) -> datetime:
    """The instant at which a box of `seconds` that opened at `start` ends.

    Raises:
        NotImplementedError: for the working-time clock. The import refuses such a policy row, so this is a bug guard.
    """
    if clock is Clock.WORKING:
        raise NotImplementedError("working time is not available yet: use clock 'continuous' in the policy")
    return start + timedelta(seconds=seconds)


def late_s(due_at: datetime, fired_at: datetime) -> float:
    """How long after the deadline the clock fired, in seconds to the millisecond."""
    return round((fired_at - due_at).total_seconds(), 3)
