"""Counting call by call gives what counting all of them at once gives, and keeps no call."""

from __future__ import annotations

from itertools import groupby

from service.rules.figures.counting import MonthCount, tallies
from service.rules.figures.definition import Measure
from tests.rules.figures.facts import CALLS, MONTH


def test_incidents_may_come_one_after_the_other() -> None:
    count = MonthCount(MONTH, lambda call: (call.unit, call.level))
    for _, calls in groupby(sorted(CALLS, key=lambda call: call.incident_id), lambda call: call.incident_id):
        count.add(calls)
    assert count.tallies(lambda group: group[0]) == tallies(CALLS, MONTH, lambda call: call.unit)
    assert count.tallies(lambda group: str(group[1])) == tallies(CALLS, MONTH, lambda call: str(call.level))
    assert count.calls == tallies(CALLS, MONTH, lambda call: call.unit).total.counts[Measure.CALLS]


def test_groups_that_are_left_out_are_not_in_the_total() -> None:
    count = MonthCount(MONTH, lambda call: call.level)
    count.add(CALLS)
    assert count.tallies(lambda level: None).total == tallies([], MONTH, lambda call: call.unit).total
