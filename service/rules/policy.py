"""The time rules as data: one version of a policy with its boxes. Durations are seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from service.rules.words import Clock, Level, Urgency


@dataclass(frozen=True, slots=True)
class Box:
    """The two time boxes of one call, in seconds: `answer_s` from opening, `resolve_s` from answering."""

    answer_s: int
    resolve_s: int
    clock: Clock


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the time rules. `boxes` has a row for every level × urgency; the import refuses a hole."""

    code: str
    version: int
    boxes: Mapping[tuple[Level, Urgency], Box]
    verify_s: int
    reopen_s: int
