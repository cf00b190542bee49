"""The typed shapes of the watch: the signs of units and of ops, each with its share."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict

from service.shown.references import UnitName


class ShareView(TypedDict):
    """`n` of `of` calls, and that as a share from 0 to 1 (null when `of` is 0), beside the median of the units' shares
    (null when no unit has one); and the query that lists the `n` calls."""

    n: int
    of: int
    rate: float | None
    median: float | None
    calls: str


class OpsSignsView(TypedDict):
    """The signs of what ops decide."""

    assigned: ShareView
    corrected: ShareView
    merged: ShareView
    flooded: ShareView
    last_moment: ShareView
    approved_at_once: ShareView
    held_long: ShareView
    exempted: ShareView


class SignsView(OpsSignsView):
    """The signs of a unit: those of ops, and of what units alone do."""

    raised: ShareView
    returned: ShareView
    voided: ShareView
    withdrawn: ShareView
    held: ShareView
    extended: ShareView
    accepted_at_once: ShareView
    self_reported: ShareView
    reported_again: ShareView


class WatchedUnit(TypedDict):
    """A unit that was called in the month, and its signs."""

    unit: UnitName
    signs: SignsView


class WatchedOps(TypedDict):
    """What ops decided in the month, for whichever unit."""

    signs: OpsSignsView


WatchView = TypedDict(
    "WatchView",
    {
        "period": str,
        "from": datetime,
        "to": datetime,
        "definition": "Literal['before'] | None",
        "items": "list[WatchedUnit]",
        "ops": WatchedOps,
    },
)
"""The signs of a month: of every unit that was called in it, in the order of codes, and of ops. `definition` is that of
the figures."""
