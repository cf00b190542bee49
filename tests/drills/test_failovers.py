"""The primary dies, its synchronous standby is promoted: nothing acknowledged is lost, and writes go on."""

from __future__ import annotations

import asyncio

import pytest

from tests.drills import failovers
from tests.drills.site import Template

pytestmark = pytest.mark.slow


def test_a_synchronous_failover_loses_nothing(prepared: Template) -> None:
    outcome = asyncio.run(failovers.synchronous(prepared, print, 1))
    assert outcome.violations == [], outcome.figures
