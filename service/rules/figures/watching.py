"""The watch (监督): for each unit, and for what ops decide, how often something happened by which a unit could look
better than its work was.

A sign is no verdict. Each has honest reasons, and units of different work have different shares: it is a reason to
open the calls that it counts, and to look at them. No score counts a sign.

This is the definition; `store/figures/watching.py` counts it in SQL. Like every figure, a sign counts the calls that
were opened in the month, in the group of the called unit. It is `n` of `of` calls:

    sign              n: the call was …                                        of: the calls that …
    raised            outcome raised                                           ended
    returned          outcome returned                                         ended
    assigned          outcome assigned                                         ended
    corrected         outcome corrected                                        ended
    merged            closed into another incident                             ended
    voided            closed as no incident by the called unit                 ended
    withdrawn         closed since its reporter took the incident back         ended
    flooded           closed by ops as part of a flood                         ended
    held              on hold at least once                                    ended
    extended          extended                                                 ended
    last_moment       left in the last 5 % of its box: box_used > 95           was left: one of the first seven
    approved_at_once  given a hold or an extension within 10 s of asking       was given one, by whom ever
    held_long         on hold for more than 30 days in sum, or is to be        was given a hold
    accepted_at_once  accepted within 10 s of its resolution                   was the last of an accepted incident
    self_reported     reported by the unit itself, above or below it           was opened
    reported_again    resolved, void or withdrawn, and the same cell and       was resolved, void or withdrawn, at most
                      category was reported again within 14 days, not as       14 days after the month
                      part of a flood
    exempted          exempted by an appeal                                    an appeal against it was judged

A wait that nobody decided, that of a suggestion or a deliberation, is no hold that was given.

Ops have a group of their own, with what they decided for whichever unit: what they merged, assigned, corrected and
ended as floods, of all calls that ended; what of it was at the last moment, of all calls that ops ended in a way that
last_moment counts; the holds and extensions that they approved; and the appeals, which they alone judge.

Beside each share stands the median of the same share over all units that have one. That of ops is beside the units'.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from statistics import median
from typing import NamedTuple

from service.rules import approval
from service.rules.figures.definition import Period

LAST_MOMENT = 95
"""The percentage of a box after which its last moment begins."""
AT_ONCE = timedelta(seconds=10)
"""The longest time in which nobody can have looked at what they approve or accept."""
LONG = approval.MAX_HELD
AGAIN = timedelta(days=14)
"""The time within which a matter that is reported again is likely to be the same."""
_DIGITS = 4


class Sign(StrEnum):
    """The signs that auditors watch, in the order in which they are shown."""

    RAISED = "raised"
    RETURNED = "returned"
    ASSIGNED = "assigned"
    CORRECTED = "corrected"
    MERGED = "merged"
    VOIDED = "voided"
    WITHDRAWN = "withdrawn"
    FLOODED = "flooded"
    HELD = "held"
    EXTENDED = "extended"
    LAST_MOMENT = "last_moment"
    APPROVED_AT_ONCE = "approved_at_once"
    HELD_LONG = "held_long"
    ACCEPTED_AT_ONCE = "accepted_at_once"
    SELF_REPORTED = "self_reported"
    REPORTED_AGAIN = "reported_again"
    EXEMPTED = "exempted"


OPS_SIGNS = (
    Sign.ASSIGNED,
    Sign.CORRECTED,
    Sign.MERGED,
    Sign.FLOODED,
    Sign.LAST_MOMENT,
    Sign.APPROVED_AT_ONCE,
    Sign.HELD_LONG,
    Sign.EXEMPTED,
)
"""The signs of what ops decide. They raise, return, void and withdraw nothing, and nothing is resolved by them."""


class SignShare(NamedTuple):
    """`n` of `of` calls."""

    n: int
    of: int

    @property
    def exact(self) -> Fraction | None:
        """The share as a fraction; None when `of` is 0."""
        return Fraction(self.n, self.of) if self.of else None

    @property
    def rate(self) -> float | None:
        """The share from 0 to 1, to four decimal places; None when `of` is 0."""
        return None if self.exact is None else round(float(self.exact), _DIGITS)


Signs = Mapping[Sign, SignShare]


class Watch(NamedTuple):
    """The signs of a month: of each unit that was called in it, by its code, and of ops."""

    units: Mapping[str, Signs]
    ops: Signs

    def medians(self) -> Mapping[Sign, float | None]:
        """The median of each sign's shares over the units that have one, to four decimal places; None without any."""
        return {sign: self._median(sign) for sign in Sign}

    def _median(self, sign: Sign) -> float | None:
        shares = [each for signs in self.units.values() if (each := signs[sign].exact) is not None]
        return round(float(median(shares)), _DIGITS) if shares else None


def last_end(period: Period) -> datetime:
    """The instant before which calls of a month have to end for `reported_again` to look at them."""
    return period.end + AGAIN


def last_report(period: Period) -> datetime:
    """The last instant at which a report can be the one that `reported_again` looks for."""
    return last_end(period) + AGAIN
