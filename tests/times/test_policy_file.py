"""`policy.yaml`: durations in seconds, and a sentence for every hole and slip."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.registry.bundle import parse
from service.rules.policy import FairPlay
from service.rules.words import ClockKind, Level, Urgency
from service.rules.worktime import ZONE, WorkCalendar
from service.times.durations import duration_of, seconds_of
from service.times.policy_file import PolicyFile
from tests.conftest import CONTINUOUS
from tests.registry.bundles import files, working, written

_POLICY = files()["policy.yaml"].decode()


def test_the_policy_is_read_in_seconds() -> None:
    read = parse.bundle_of({"policy.yaml": CONTINUOUS.read_bytes()}).policy
    assert read is not None
    policy = read.policy(1)
    assert (policy.code, policy.verify_s, policy.reopen_s) == ("example", 3 * 86_400, 7 * 86_400)
    boxes = {key: (box.answer_s, box.resolve_s) for key, (box,) in policy.boxes.items()}
    assert len(boxes) == 8
    assert boxes[Level.COMMUNITY, Urgency.URGENT] == (1800, 7200)
    assert boxes[Level.LEADER, Urgency.NORMAL] == (2 * 86_400, 10 * 86_400)
    assert {box.clock for (box,) in policy.boxes.values()} == {ClockKind.CONTINUOUS}


@pytest.mark.clause("ASVS 1.5.2")
@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ("level: 4, urgency: normal", "level: 4, urgency: urgent", "no row for level 4, urgency normal: add one"),
        ("level: 4, urgency: normal", "level: 4, urgency: urgent", "2 rows for level 4, urgency urgent: keep one"),
        ("level: 4", "level: 5", "Send 4 or less"),
        ("continuous", "working", "level 1, urgency urgent: clock 'working' needs a calendar"),
        ("continuous", "sometimes", "Send one of working, continuous"),
        ("verify: 3d", "verify: 0d", "/verify: Send a duration such as 30m"),
        ("verify: 3d", "verify: 3", "/verify: Send a duration such as 30m"),
        ("resolve: 1d, clock: continuous", "resolve: 1wd, clock: continuous", "write d (24 hours) or h"),
        ("verify: 3d", "verify: 3wd", "/verify: This runs day and night"),
        ("verify: 3d", "verify: 3w", "/verify: Send a duration such as 30m"),
        ("verify: 3d", "verify: 401d", "/verify: Send 400d or less"),
        ("verify: 3d", "verfy: 3d", "Did you mean verify?"),
        ("reopen: 7d\n", "", "/reopen: Add this field"),
        ("reopen: 7d\n", "reopen: 7d\nlate: 100\n", "/late: Send 99 or less"),
        ("reopen: 7d\n", "reopen: 7d\nlate: 0\n", "/late: Send 1 or more"),
        ("reopen: 7d\n", "reopen: 7d\nlate_exit: 101\n", "/late_exit: Send 100 or less"),
        ("reopen: 7d\n", "reopen: 7d\nunverified: -1\n", "/unverified: Send 0 or more"),
        ("reopen: 7d\n", "reopen: 7d\nspot_check: 0.5\n", "/spot_check: Send a whole number"),
        ("reopen: 7d\n", "reopen: 7d\nappeal: 10wd\n", "/appeal: This runs day and night"),
        ("reopen: 7d\n", "reopen: 7d\nquota: {reports: 0}\n", "/quota/reports: Send 1 or more"),
        ("reopen: 7d\n", "reopen: 7d\nquota: {report: 9}\n", "Did you mean reports?"),
        ("code: example", "code: 2020-13-45", None),
        (_POLICY, "", "the file should hold code, title"),
        (_POLICY, "2020-13-45", "the file should hold code, title"),
        (_POLICY, "!!bool maybe", "the file should hold code, title"),
        (_POLICY, "a: [", "not YAML from line 1, column 5 on"),
        ("code: example\n", "code: example\n\ttitle: x\n", "not YAML from line 2, column 1 on"),
        ("code: example\n", "code: example\ncode: other\n", "code stands twice in the part that begins on line 1"),
        (_POLICY, "&a [*a]", "not YAML"),
        (_POLICY, "[" * 9999, "not YAML"),
        (_POLICY, "a: b\n" * 20_000, "over 64 KiB"),
    ],
)
def test_a_policy_with_a_hole_or_a_slip_is_told(old: str, new: str, detail: str | None) -> None:
    read = parse.bundle_of({"policy.yaml": _POLICY.replace(old, new, 1).encode()})
    details = "\n".join(fault.detail for fault in read.faults)
    assert (detail or "") in details
    assert (read.policy is None) is bool(details) is (detail is not None)


def test_a_policy_names_what_it_takes_from_the_sample() -> None:
    said = {
        "holds": {"times": 1},
        "quota": {"urgent": 7},
        "late": 80,
        "late_exit": 0,
        "unverified": 100,
        "spot_check": 0,
        "appeal": "5d",
    }
    assert PolicyFile.model_validate(written(**said)).unsaid == (
        "holds {longest: 365d}",
        "extensions {times: 3, percent: 100}",
        "quota {reports: 300}",
    )
    policy = PolicyFile.model_validate(written(**said)).policy(1)
    assert policy.fair_play == FairPlay(80, 0, 100, 0, 5 * 86_400, 300, 7)


@given(st.integers(1, 400 * 86_400))
def test_seconds_written_as_a_duration_are_read_as_the_same(seconds: int) -> None:
    assert seconds_of(duration_of(seconds), working_day_s=1) == seconds


@given(st.integers(1, 400), st.sampled_from("smhd"))
def test_a_duration_is_written_in_its_largest_whole_unit(number: int, unit: str) -> None:
    seconds = seconds_of(f"{number}{unit}", working_day_s=1)
    again = duration_of(seconds)
    assert seconds_of(again, working_day_s=1) == seconds
    assert int(again[:-1]) <= number


ANY_HOURS = st.lists(st.integers(0, 1440), min_size=2, max_size=12, unique=True).map(
    lambda marks: [(a, b) for a, b in zip(sorted(marks)[::2], sorted(marks)[1::2], strict=False)]
)
"""Working hours of every kind: half days, lunch breaks, nights, shifts of minutes."""
MONDAYS_OFF = {date(2027, 1, 4) + n * timedelta(days=7): False for n in range(60)}


@given(ANY_HOURS, st.integers(1, 40), st.sampled_from([{}, MONDAYS_OFF]))
def test_so_many_wd_end_with_the_last_working_day(
    spans: list[tuple[int, int]], number: int, days: dict[date, bool]
) -> None:
    """From the start of a working day, n wd are over when the n-th working day is, whatever the hours are."""
    texts = [f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in spans]
    policy = PolicyFile.model_validate(
        written(working(category="u", resolve=f"{number}wd"), calendar="cn", hours=texts)
    ).policy(1)
    calendar = WorkCalendar(tuple(spans), days)
    working_days = [day for n in range(200) if calendar.is_workday(day := date(2027, 1, 1) + timedelta(days=n))]
    start = datetime.combine(working_days[0], time(), ZONE) + timedelta(minutes=spans[0][0])
    end = datetime.combine(working_days[number - 1], time(), ZONE) + timedelta(minutes=spans[-1][1])
    box = policy.box(Level.COMMUNITY, Urgency.NORMAL, "u")
    assert calendar.due(start, timedelta(seconds=box.resolve_s)) == end


@pytest.mark.parametrize(
    ("hours", "answered", "due"),
    [
        (["08:30-12:00", "14:00-17:30"], "2026-11-26T08:30", "2026-11-26T17:30"),
        (["08:30-12:00", "14:00-17:30"], "2026-11-26T15:00", "2026-11-27T15:00"),
        (["08:00-12:00"], "2026-11-26T08:00", "2026-11-26T12:00"),
        (["00:00-06:00", "22:00-24:00"], "2026-11-26T22:00", "2026-11-27T06:00"),
    ],
)
def test_one_wd_is_a_working_day_of_its_policy(hours: list[str], answered: str, due: str) -> None:
    policy = PolicyFile.model_validate(written(working(category="u"), calendar="cn", hours=hours)).policy(1)
    assert policy.hours is not None
    start, end = (datetime.fromisoformat(text).replace(tzinfo=ZONE) for text in (answered, due))
    box = policy.box(Level.COMMUNITY, Urgency.NORMAL, "u")
    assert WorkCalendar(policy.hours.spans, {}).due(start, timedelta(seconds=box.resolve_s)) == end
