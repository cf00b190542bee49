"""`policy.yaml`: durations in seconds, and a sentence for every hole and slip."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.registry.bundle import parse
from service.rules.words import ClockKind, Level, Urgency
from service.times.policy_file import duration_of, seconds_of
from tests.conftest import CONTINUOUS
from tests.registry.bundles import files

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
        ("code: example", "code: 2020-13-45", None),
        (_POLICY, "", "the file should hold code, title"),
        (_POLICY, "2020-13-45", "the file should hold code, title"),
        (_POLICY, "!!bool maybe", "the file should hold code, title"),
        (_POLICY, "a: [", "not YAML"),
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


@given(st.integers(1, 400 * 86_400))
def test_seconds_written_as_a_duration_are_read_as_the_same(seconds: int) -> None:
    assert seconds_of(duration_of(seconds)) == seconds


@given(st.integers(1, 400), st.sampled_from("smhd"))
def test_a_duration_is_written_in_the_largest_unit_that_leaves_nothing_over(number: int, unit: str) -> None:
    again = duration_of(seconds_of(f"{number}{unit}"))
    assert seconds_of(again) == seconds_of(f"{number}{unit}")
    assert int(again[:-1]) <= number


@given(st.integers(1, 1200))
def test_a_working_day_is_eight_hours(number: int) -> None:
    assert seconds_of(f"{number}wd") == seconds_of(f"{8 * number}h")
