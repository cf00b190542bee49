"""A hold or an extension that the called unit requested."""

from __future__ import annotations

from datetime import datetime

from typing_extensions import TypedDict

from service.rules.logged import ByView
from service.rules.model import Request
from service.rules.words import RequestKind, Verdict
from service.shown.aspect import Aspect


class RequestView(TypedDict):
    """A request with the decision about it. `approver` is the unit that decides it; null: ops do. `granted_s` is what
    an extension added to the box, in seconds of the call's own clock."""

    n: int
    kind: RequestKind
    call: int
    until: datetime
    reason: str | None
    asked_by: ByView
    asked_at: datetime
    approver: str | None
    decided_by: ByView | None
    decided_at: datetime | None
    decided_reason: str | None
    outcome: Verdict | None
    resumed_at: datetime | None
    granted_s: float | None


def request(aspect: Aspect, stored: Request) -> RequestView:
    """The view of one request about an incident."""
    return {
        "n": stored.n,
        "kind": stored.kind,
        "call": stored.call,
        "until": stored.until,
        "reason": aspect.words(stored.reason),
        "asked_by": aspect.by(stored.asked_by),
        "asked_at": stored.asked_at,
        "approver": stored.approver,
        "decided_by": aspect.by(stored.decided_by) if stored.decided_by else None,
        "decided_at": stored.decided_at,
        "decided_reason": aspect.words(stored.decided_reason),
        "outcome": stored.outcome,
        "resumed_at": stored.resumed_at,
        "granted_s": stored.granted.total_seconds() if stored.granted else None,
    }
