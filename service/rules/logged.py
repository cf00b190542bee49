"""What is said of an act: who acted, and the facts that an event of some types has beside its incident."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import NotRequired
from uuid import UUID

from typing_extensions import TypedDict  # the framework cannot read that of `typing` before Python 3.12

from service.rules.words import Cause, ClosedAs, Credit, EventType, Kind, Urgency


class ByView(TypedDict):
    """Whoever acted. The clock has no subject, and only units have a unit."""

    kind: str
    subject: NotRequired[str]
    unit: NotRequired[str]


class ByUnit(TypedDict):
    """Whoever acted, as the log says it: the kind, and the unit if it was one, but never the person."""

    kind: str
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


class AccountableFact(TypedDict):
    """The unit that answers for an assigned call until somebody has answered it, and the number of its own call."""

    unit: str
    seq: int


class LeavingFacts(TypedDict, total=False):
    """The facts of a call's end that say how much of its box was used, and whether it was left late."""

    box_used: int
    late_exit: bool
    withdrawn_late: bool


FromTo = TypedDict("FromTo", {"from": str, "to": str})
"""What something was, and what it is from now on."""


class CorrectedFacts(TypedDict, total=False):
    """What a correction has changed."""

    category: FromTo
    grid_code: FromTo
    urgency: FromTo
    kind: FromTo


class EventFacts(LeavingFacts, total=False):
    """The facts that some types of event have. A story takes them as keywords, so that the type checker finds a
    misspelt one; `FACTS` says which type has which."""

    accountable: AccountableFact
    answer_by: datetime
    answered_by_member: bool
    binding: bool
    cause: Cause
    changes: CorrectedFacts
    closed_as: ClosedAs
    credit: Credit
    duty: str | None
    forgives: int
    into: UUID
    kind_asked: Kind
    mark: int
    merged: UUID
    number: str
    own_report: bool
    provisional: bool
    reason_code: str | None
    score: int
    self_reported: bool
    to: str
    units: list[str]
    urgency_asked: Urgency
    was_due_at: datetime


_LEFT: Mapping[str, bool] = {"box_used": True, "late_exit": False}
FACTS: Mapping[EventType, Mapping[str, bool]] = {
    EventType.CALL_OPENED: {
        "cause": True,
        "answer_by": False,
        "binding": False,
        "self_reported": False,
        "own_report": False,
        "accountable": False,
    },
    EventType.CALL_ANSWERED: {"forgives": False, "answered_by_member": False},
    EventType.CALL_WARNED: {"mark": True},
    EventType.CALL_RAISED: {**_LEFT, "units": False},
    EventType.CALL_RETURNED: {"reason_code": True, "duty": True, **_LEFT},
    EventType.CALL_ASSIGNED: {"to": True, **_LEFT},
    EventType.CALL_ASSISTED: {"units": True},
    EventType.CALL_RESCHEDULED: {"was_due_at": True, "provisional": True},
    EventType.INCIDENT_REPORTED: {"urgency_asked": False, "kind_asked": False},
    EventType.INCIDENT_CLOSED: {
        "closed_as": True,
        "into": False,
        "reason_code": False,
        "box_used": False,
        "late_exit": False,
        "withdrawn_late": False,
    },
    EventType.INCIDENT_RESOLVED: {"box_used": True},
    EventType.INCIDENT_MERGED: {"merged": True, "number": True},
    EventType.INCIDENT_CORRECTED: {"changes": True, "box_used": False, "late_exit": False},
    EventType.INCIDENT_RATED: {"score": True},
    EventType.INCIDENT_CHECKED: {"credit": True},
}
"""The facts by type of event, and whether every event of the type has them. The other types have none."""


_OF_REPORTERS = frozenset(
    {
        *(EventType.INCIDENT_REPORTED, EventType.INCIDENT_COMMENTED, EventType.INCIDENT_URGED),
        *(EventType.INCIDENT_REJECTED, EventType.INCIDENT_REOPENED, EventType.INCIDENT_RATED),
    }
)
_CLOSED_BY_REPORTERS = (ClosedAs.VERIFIED, ClosedAs.WITHDRAWN)


def may_be_of_reporter(event_type: EventType, facts: EventFacts | None) -> bool:
    """Whether an event may tell of what a reporter as such has done: whatever else a unit does, it does as the called
    unit, or as one that has to do with the call."""
    if event_type is EventType.INCIDENT_CLOSED:
        return facts is not None and facts.get("closed_as") in _CLOSED_BY_REPORTERS
    return event_type in _OF_REPORTERS
