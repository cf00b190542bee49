"""`sihu demo`: the whole mechanism in one print."""

from __future__ import annotations

import pytest

from service.rules.words import Level
from tests.commands.running import NOWHERE, Run


@pytest.mark.slow
def test_an_unanswered_incident_climbs_to_the_leader(run: Run) -> None:
    """The demo has a database of its own: the one of the settings is not touched, so it need not be there."""
    code, lines, faults = run(NOWHERE, "demo")
    assert (code, faults) == (0, [])
    opened = [line.split()[-2:] for line in lines if "sihu.call.opened" in line]
    assert [int(level) for level, _ in opened] == [*Level, Level.LEADER]
    outcomes = [line.split()[-1] for line in lines[lines.index(next(x for x in lines if x.startswith("call "))) + 1 :]]
    assert outcomes[:4] == ["no_answer"] * 4
    assert outcomes[-1] == "进行中"
