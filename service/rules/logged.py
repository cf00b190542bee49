"""What the log says of an act: who acted, and the facts that an event of some types has beside its incident."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import NotRequired
from uuid import UUID

from typing_extensions import TypedDict  # the framework cannot read that of `typing` before Python 3.12

from service.rules.words import Cause, ClosedAs, EventType


class ByView(TypedDict):
    """Whoever acted. The clock has no subject, and only units have a unit."""

    kind: str
    subject: NotRequired[str]
    unit: NotRequired[str]


@lru_cache(maxsize=4096)  # a sweep writes the same author three times for each incident
def author(kind: str, subject: str | None, unit: str | None) -> ByView:
    """Whoever acted, without the fields that do not apply. The object is shared: it is never changed."""
    by: ByView = {"kind": kind}
    if subject is not None:
        by["subject"] = subject
    if unit is not None:
        by["unit"] = unit
    return by


class EventFacts(TypedDict, total=False):
    """The facts that some types of event have. A story takes them as keywords, so that the type checker finds a
    misspelt one; `FACTS` says which type has which."""

    answer_by: datetime
    binding: bool
    cause: Cause
    closed_as: ClosedAs
    duty: str | None
    into: UUID
    merged: UUID
    number: str
    provisional: bool
    reason_code: str | None
    score: int
    to: str
    units: list[str]
    was_due_at: datetime


FACTS: Mapping[EventType, Mapping[str, bool]] = {
    EventType.CALL_OPENED: {"cause": True, "answer_by": False, "binding": False},
    EventType.CALL_RETURNED: {"reason_code": True, "duty": True},
    EventType.CALL_ASSIGNED: {"to": True},
    EventType.CALL_ASSISTED: {"units": True},
    EventType.CALL_RESCHEDULED: {"was_due_at": True, "provisional": True},
    EventType.INCIDENT_CLOSED: {"closed_as": True, "into": False, "reason_code": False},
    EventType.INCIDENT_MERGED: {"merged": True, "number": True},
    EventType.INCIDENT_RATED: {"score": True},
}
"""The facts by type of event, and whether every event of the type has them. The other types have none."""
