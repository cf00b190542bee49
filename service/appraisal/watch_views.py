"""The watch as the API answers it in JSON. Every sign has a link to the calls that it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from urllib.parse import urlencode

from service.appraisal.watch_shapes import OpsSignsView, ShareView, SignsView, WatchView
from service.rules.figures.definition import Period
from service.rules.figures.watching import Sign, Signs, Watch
from service.rules.sight import Viewer
from service.shown.references import unit_name

CALLS = "/v1/appraisal/watch/calls"
BY_OPS = "ops"


def page(viewer: Viewer, found: Watch, period: Period, *, begun_before: bool = False) -> WatchView:
    """The whole answer. `begun_before`: the month had begun when the facts of fair play came into the figures."""
    medians = found.medians()
    return {
        "period": str(period),
        "from": period.start,
        "to": period.end,
        "definition": "before" if begun_before else None,
        "items": [
            {
                "unit": unit_name(viewer, code),
                "signs": cast("SignsView", _signs(signs, medians, period, {"unit": code})),
            }
            for code, signs in found.units.items()
        ],
        "ops": {"signs": cast("OpsSignsView", _signs(found.ops, medians, period, {"by": BY_OPS}))},
    }


def _signs(
    signs: Signs, medians: Mapping[Sign, float | None], period: Period, whose: Mapping[str, str]
) -> dict[str, ShareView]:
    def link(sign: Sign) -> str:
        return f"{CALLS}?{urlencode({'period': str(period), **whose, 'sign': sign})}"

    return {
        sign.value: {
            "n": share.n,
            "of": share.of,
            "rate": share.rate,
            "median": medians[sign],
            "calls": link(sign),
        }
        for sign, share in signs.items()
    }
