"""Comments and urges are limited: together 60 an hour of one subject (contract §2, "Fair play")."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from service.rules.errors import QuotaReached
from service.rules.sentences import Sentence
from service.rules.words import Arrow
from service.store.database import Transaction
from service.store.log import talk

ARROWS = frozenset({Arrow.COMMENT, Arrow.URGE})
MAX_TALK = 60
WITHIN = timedelta(hours=1)


async def demand(tx: Transaction, subject: str, now: datetime) -> None:
    """Raises `QuotaReached` when the subject has sent as many comments and urges as it may. The transaction holds the
    lock of the subject (`talk.lock`). The hour is one of the service's clock."""
    oldest = await talk.newest(tx, subject, MAX_TALK, now - WITHIN)
    if oldest is None:
        return
    wait_s = max(1, math.ceil((oldest + WITHIN - now).total_seconds()))
    raise QuotaReached(
        Sentence(
            "You have sent {most} comments and urges within an hour: send this one again in {wait}.",
            most=MAX_TALK,
            wait=timedelta(seconds=wait_s),
        ),
        retry_after_s=wait_s,
    )
