"""The watch in JSON: every sign has its place and opens its own calls."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from service.appraisal.watch_shapes import OpsSignsView, SignsView, WatchView
from service.appraisal.watch_views import CALLS, page
from service.rules.figures.definition import Period
from service.rules.figures.watching import OPS_SIGNS, Sign, SignShare, Watch
from tests.rules.builders import COMMUNITY
from tests.shapes import check
from tests.shown.test_row import VIEWER

MONTH = Period(2026, 11)
WATCH = Watch({COMMUNITY: dict.fromkeys(Sign, SignShare(1, 3))}, dict.fromkeys(OPS_SIGNS, SignShare(2, 3)))


def test_every_sign_has_a_place() -> None:
    assert set(SignsView.__annotations__) == set(Sign)
    assert set(OpsSignsView.__annotations__) == set(OPS_SIGNS)
    check(WatchView, page(VIEWER, WATCH, MONTH))


def test_signs_are_shown_in_their_order() -> None:
    shown = page(VIEWER, WATCH, MONTH)
    assert list(shown["items"][0]["signs"]) == list(Sign)
    assert list(shown["ops"]["signs"]) == list(OPS_SIGNS)


@pytest.mark.parametrize("sign", OPS_SIGNS)
def test_every_link_lists_the_calls_of_its_own_sign(sign: Sign) -> None:
    shown: Any = page(VIEWER, WATCH, MONTH)
    links = {
        "unit": (COMMUNITY, shown["items"][0]["signs"][sign.value]["calls"]),
        "by": ("ops", shown["ops"]["signs"][sign.value]["calls"]),
    }
    for name, (whose, link) in links.items():
        query = {"period": ["2026-11"], name: [whose], "sign": [sign.value]}
        assert (urlsplit(link).path, parse_qs(urlsplit(link).query)) == (CALLS, query)


def test_a_month_that_began_before_says_so() -> None:
    assert page(VIEWER, WATCH, MONTH)["definition"] is None
    assert page(VIEWER, WATCH, MONTH, begun_before=True)["definition"] == "before"
