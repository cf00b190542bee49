"""What people send: a report, or one arrow with what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from service.rules.words import Arrow, Ground, Kind, Urgency


@dataclass(frozen=True, slots=True)
class Draft:
    """The part of a report that the rules look at. `grid_code` None: its point lies in no known cell. A `confidential`
    one is for those alone who have to do with it."""

    grid_code: str | None
    category: str
    reporter: str
    kind: Kind = Kind.INCIDENT
    urgency: Urgency | None = None
    confidential: bool = False


class Correction(NamedTuple):
    """What an incident is to be from now on, as far as it was wrong; None: as it is."""

    category: str | None = None
    grid_code: str | None = None
    urgency: Urgency | None = None
    kind: Kind | None = None


NO_CORRECTION = Correction()


@dataclass(frozen=True, slots=True)
class Act:
    """One arrow and what a person sends with it. `words` is a reason, result, comment or message; `code` is the reason
    code of a return or void, `duty` the duty that a return cites; `units` are to get the call, or to assist in it;
    `until` ends a hold, an extension or a promise; `request` and `call` are numbers; `into` is whereto to merge."""

    arrow: Arrow
    words: str | None = None
    ground: Ground | None = None
    answer: Mapping[str, Any] | None = None
    attachments: tuple[str, ...] = ()
    until: datetime | None = None
    request: int | None = None
    code: str | None = None
    duty: str | None = None
    units: tuple[str, ...] = ()
    call: int | None = None
    score: int | None = None
    into: UUID | None = None
    correction: Correction = NO_CORRECTION
