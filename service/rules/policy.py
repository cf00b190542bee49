"""The time rules as data: one version of a policy. Durations are seconds, those of a `working` box working seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from service.rules.words import ClockKind, Kind, Level, Urgency

Spans = tuple[tuple[int, int], ...]
"""The working hours of a working day: half-open minutes of the day in Asia/Shanghai, in order."""


@dataclass(frozen=True, slots=True)
class Box:
    """The two time boxes of one call: `answer_s` from opening, `resolve_s` from answering.

    `category` is the prefix of the categories that the box is for; the empty prefix "" is for those that match no other
    row.
    """

    answer_s: int
    resolve_s: int
    clock: ClockKind
    category: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """The time that the working clock counts: the working days of one calendar, and the hours of each."""

    calendar: str
    spans: Spans


@dataclass(frozen=True, slots=True)
class Weights:
    """The weight of each part of a score relative to the others: answered in time, resolved in time, the streets'
    ratings of departments, the reporters' ratings of outcomes (考核权重)."""

    answered: int = 30
    resolved: int = 40
    street: int = 20
    reporter: int = 10


@dataclass(frozen=True, slots=True)
class FairPlay:
    """What counts in the figures, and how much (contract §2, Fair play); all but the last three are percentages.

    A unit that passes a call on after `late` of its box has left late, and `late_exit` is the share of a missed call
    that this costs. `unverified` is the share that a resolution in time is worth which nobody verified. Of those,
    `spot_check` are drawn to be looked at. A unit may appeal for `appeal_s` after its call has ended. One subject may
    send `reports` reports a day, and `urgent` urgent ones.
    """

    late: int = 80
    late_exit: int = 50
    unverified: int = 50
    spot_check: int = 5
    appeal_s: int = 10 * 86_400
    reports: int = 300
    urgent: int = 30


@dataclass(frozen=True, slots=True)
class Policy:
    """One version of the time rules.

    `boxes` holds the rows of each level and urgency, the longest category prefix first and "" last; the check of a new
    policy refuses one with a gap. `warn` lists the percentages of a box after which its unit is warned, rising. `holds`
    and `extensions` are how many of each one incident may have; a hold lasts at most `hold_s` (continuous seconds), an
    extension adds at most `extend_percent` of the box. `returns` is how often one incident may be returned before the
    leader decides. `suggestion_s` and `deliberation_s` are how long incidents of these kinds may wait before they are
    called like any other.
    """

    code: str
    version: int
    boxes: Mapping[tuple[Level, Urgency], tuple[Box, ...]]
    verify_s: int
    reopen_s: int
    hours: Hours | None = None
    warn: tuple[int, ...] = ()
    holds: int = 3
    hold_s: int = 365 * 86_400
    extensions: int = 3
    extend_percent: int = 100
    returns: int = 2
    suggestion_s: int = 30 * 86_400
    deliberation_s: int = 60 * 86_400
    weights: Weights = Weights()
    fair_play: FairPlay = FairPlay()
    title: str = ""

    def parked_s(self, kind: Kind) -> int:
        """The time that an incident of this kind waits first, in continuous seconds; 0 when it is called at once."""
        return {Kind.SUGGESTION: self.suggestion_s, Kind.DELIBERATION: self.deliberation_s}.get(kind, 0)

    def box(self, level: Level, urgency: Urgency, category: str) -> Box:
        """The row that fits best. Raises `LookupError` for a policy with a gap, which the check never lets in."""
        for box in self.boxes[level, urgency]:
            if category.startswith(box.category):
                return box
        raise LookupError(
            f"policy {self.code} version {self.version} has no row for level {level}, {urgency}, {category}"
        )


@dataclass(frozen=True, slots=True)
class Activation:
    """The instant `at` from which incidents are reported under a version, until a later activation comes."""

    at: datetime
    code: str
    version: int
