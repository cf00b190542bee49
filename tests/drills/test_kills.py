"""Ten kills and ten cuts: nothing acknowledged is lost, nothing is done twice, the feed has no gap."""

from __future__ import annotations

import asyncio

import pytest

from tests.drills import kills
from tests.drills.site import Template

pytestmark = pytest.mark.slow


def test_kills_in_mid_batch_lose_and_double_nothing(prepared: Template) -> None:
    outcome = asyncio.run(kills.kill(prepared, print, 10))
    assert outcome.violations == [], outcome.figures


def test_cuts_around_a_commit_lose_and_double_nothing(prepared: Template) -> None:
    outcome = asyncio.run(kills.cut(prepared, print, 10))
    assert outcome.violations == [], outcome.figures
