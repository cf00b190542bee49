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
    opened = [line.split() for line in lines if "sihu.call.opened" in line]
    assert [int(words[4]) for words in opened] == [*Level, Level.LEADER]
    assert [words[3] for words in opened] == ["呼"] * 5
    assert [words[5:] for words in opened][:2] == [["440105003001", "示例社区一(昌岗)"], ["440105003", "昌岗街道"]]
    calls = [line.split() for line in lines[lines.index(next(x for x in lines if x.startswith("call "))) + 1 :]]
    assert [words[2:4] for words in calls[:4]] == [["no_answer", "0.0"]] * 4
    assert calls[-1][3] == "进行中"
    assert all("超时未应" in line for line in lines if "sihu.call.missed" in line)
