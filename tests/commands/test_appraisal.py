"""`sihu appraisal check PERIOD`."""

from __future__ import annotations

import asyncio

import pytest

from service.bench import appraisal as seeding
from service.commands.database import on_database
from tests.commands.running import Run


def test_a_month_without_calls_agrees(run: Run, haizhu_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.commands.progress._FIRST_S", 600.0)  # a slow machine is not what this is about
    agreed = ["2026-11: the calls and the log tell the same figures."]
    assert run(haizhu_url, "appraisal", "check", "2026-11") == (0, agreed, [])


def test_calls_that_the_log_does_not_know_are_differences(run: Run, haizhu_url: str) -> None:
    month = seeding.MONTH
    asyncio.run(on_database(haizhu_url, lambda database: seeding.seed(database, month.start, month.end, 10)))
    code, lines, faults = run(haizhu_url, "appraisal", "check", str(month))
    assert (code, lines) == (1, [])
    assert all(line.startswith("by ") and line.endswith(" by the log") for line in faults)
    assert "by unit, total: calls is 10 by the calls, 0 by the log" in faults


def test_a_long_check_says_how_far_it_is(run: Run, haizhu_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.commands.progress._FIRST_S", 0.0001)
    code, lines, shown = run(haizhu_url, "appraisal", "check", "2026-11")
    assert (code, len(lines)) == (0, 1)
    assert shown
    assert all(line.startswith(("counting the calls, ", "found 0 of 0 calls in the log, ")) for line in shown)


@pytest.mark.parametrize("period", ["2026-13", "november", "2026"])
def test_a_period_that_is_no_month_is_one_line(run: Run, haizhu_url: str, period: str) -> None:
    assert run(haizhu_url, "appraisal", "check", period) == (1, [], [f"sihu: {period} is no month, such as 2026-11."])
