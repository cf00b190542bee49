"""The ledger: every write that a drill sent, and what the service said about it.

It shares no code with the service. A write is `done` or `refused` once it was answered for good; until then nobody
knows, and it is sent again under the same Idempotency-Key.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4


@dataclass(slots=True, eq=False)
class Entry:
    """One write."""

    verb: str
    subject: str
    body: dict[str, Any]
    incident: str | None = None
    key: str = field(default_factory=lambda: str(uuid4()))
    status: int | None = None
    """The status of the answer that counts; None as long as nobody knows."""
    at: float | None = None
    """When that answer came, on the monotonic clock."""
    unknown: int = 0
    """How often its connection ended without an answer."""
    replayed: bool = False

    @property
    def path(self) -> str:
        return "/v1/incidents" if self.verb == "report" else f"/v1/incidents/{self.incident}/{self.verb}"

    @property
    def is_done(self) -> bool:
        return self.status is not None and self.status < 300

    @property
    def is_refused(self) -> bool:
        return self.status is not None and self.status >= 400

    def settle(self, status: int, incident: str | None, *, replayed: bool) -> None:
        self.status, self.at, self.replayed = status, time.monotonic(), replayed
        if self.verb == "report" and status < 300:
            self.incident = incident


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the service to anything: when its request was sent, and how long it took. Status 0: none came."""

    sent: float
    seconds: float
    status: int
    code: str
    is_problem: bool
    server: int


class Ledger:
    """All entries, and all replies, in the order in which they came."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.replies: list[Reply] = []
        self.in_flight: Counter[int] = Counter()
        """How many requests each process has to answer at this moment, by its number."""

    def write(self, verb: str, subject: str, body: dict[str, Any], incident: str | None = None) -> Entry:
        entry = Entry(verb, subject, body, incident)
        self.entries.append(entry)
        return entry

    def of(self, *, reports: bool) -> list[Entry]:
        return [each for each in self.entries if (each.verb == "report") is reports]

    def faults(self) -> list[str]:
        """What the service may never answer: a 500, or an error that is no problem document."""
        bad = Counter((each.status, each.code) for each in self.replies if each.status >= 500 and each.status != 503)
        bare = sum(each.status >= 400 and not each.is_problem for each in self.replies)
        found = [f"{many} answers of {status} {code}" for (status, code), many in sorted(bad.items())]
        return [*found, *([f"{bare} errors without a problem document"] if bare else [])]

    def first_done_after(self, moment: float, server: int) -> float | None:
        """Seconds from a moment until a process has acknowledged a write that was sent after it."""
        later = (
            each for each in self.replies if each.sent >= moment and 0 < each.status < 300 and each.server == server
        )
        ends = [each.sent + each.seconds for each in later]
        return min(ends) - moment if ends else None

    def figures(self) -> dict[str, int]:
        reports, acts = self.of(reports=True), self.of(reports=False)
        return {
            "reports": sum(each.is_done for each in reports),
            "acts": sum(each.is_done for each in acts),
            "unknown": sum(each.unknown for each in self.entries),
            "replayed": sum(each.replayed for each in self.entries),
        }
