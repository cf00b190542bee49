"""The example of the watch in the OpenAPI document: one community and ops, made by the code that answers."""

from __future__ import annotations

from service.appraisal.examples import COMMUNITY, PERIOD, VIEWER
from service.appraisal.watch_shapes import WatchView
from service.appraisal.watch_views import page
from service.rules.figures.watching import OPS_SIGNS, Sign, SignShare, Watch

_NONE = SignShare(0, 39)
_UNIT = {
    **dict.fromkeys(Sign, _NONE),
    Sign.RAISED: SignShare(6, 39),
    Sign.MERGED: SignShare(1, 39),
    Sign.HELD: SignShare(4, 39),
    Sign.LAST_MOMENT: SignShare(5, 7),
    Sign.APPROVED_AT_ONCE: SignShare(3, 4),
    Sign.HELD_LONG: SignShare(0, 4),
    Sign.ACCEPTED_AT_ONCE: SignShare(1, 18),
    Sign.SELF_REPORTED: SignShare(2, 40),
    Sign.REPORTED_AGAIN: SignShare(3, 25),
    Sign.EXEMPTED: SignShare(1, 2),
}
_OPS = {
    **dict.fromkeys(OPS_SIGNS, _NONE),
    Sign.LAST_MOMENT: SignShare(0, 0),
    Sign.APPROVED_AT_ONCE: SignShare(1, 3),
    Sign.HELD_LONG: SignShare(1, 2),
    Sign.EXEMPTED: SignShare(1, 2),
}

WATCH: WatchView = page(VIEWER, Watch({COMMUNITY: _UNIT}, _OPS), PERIOD)
