"""Every fault a policy can have by itself."""

from __future__ import annotations

import re
from typing import Any

import pytest

from service.rules.sentences import Sentence
from service.rules.words import Level, Urgency
from service.times.durations import seconds_of
from service.times.policy_checks import read_policy
from service.times.policy_file import PolicyFile
from tests.registry.bundles import OFFICE, in_yaml, row, working, written


def faults_of(policy: dict[str, Any]) -> list[Sentence]:
    """What is wrong with it by itself."""
    read, wrong = read_policy(in_yaml(policy))
    assert (read is None) is bool(wrong)
    return wrong


def read(policy: dict[str, Any]) -> PolicyFile:
    found, wrong = read_policy(in_yaml(policy))
    assert found is not None, wrong
    return found


def test_a_sound_policy_has_no_fault_by_itself() -> None:
    assert faults_of(written()) == []


def test_a_level_and_urgency_without_a_row_is_a_hole() -> None:
    rows = [each for each in written()["rows"] if (each["level"], each["urgency"]) != (3, "urgent")]
    assert faults_of(written(rows=rows)) == ["no row for level 3, urgency urgent: add one without a category"]


def test_a_row_for_one_category_does_not_fill_the_hole() -> None:
    rows = [row(1, "normal", category="u") if each == row(1, "normal") else each for each in written()["rows"]]
    assert faults_of(written(rows=rows)) == ["no row for level 1, urgency normal: add one without a category"]


def test_a_policy_without_any_row_has_eight_holes() -> None:
    assert len(faults_of(written(rows=[]))) == len(Level) * len(Urgency) == 8


@pytest.mark.parametrize(
    ("twice", "named"),
    [
        ([row(2, "urgent", answer="9h")], "2 rows for level 2, urgency urgent: keep one"),
        ([row(category="u-1"), row(category="u-1")], "2 rows for level 1, urgency normal, category u-1: keep one"),
        ([row(category="u-1")] * 3, "3 rows for level 1, urgency normal, category u-1: keep one"),
    ],
)
def test_a_row_that_stands_twice_is_told_once_with_how_often(twice: list[dict[str, Any]], named: str) -> None:
    assert faults_of(written(*twice)) == [named]


def test_the_same_category_may_stand_once_for_each_level_and_urgency() -> None:
    assert (
        faults_of(written(*(row(level, urgency, category="u") for level in (1, 2) for urgency in ("urgent", "normal"))))
        == []
    )


NO_CALENDAR = "level 1, urgency normal, category u-1: clock 'working' needs a calendar: name one, such as cn"
HALF = "calendar and hours go together: give both, or neither"
NO_HOURS = (
    "level 1, urgency normal, category u-1: resolve 1wd counts working days, whose length is that of the hours: give "
    "hours, such as 08:30-12:00 and 14:00-17:30"
)


@pytest.mark.parametrize(
    ("policy", "faults"),
    [
        (written(working(category="u-1")), [NO_CALENDAR, NO_HOURS]),
        (written(working(category="u-1"), calendar="cn"), [HALF, NO_HOURS]),
        (written(working(category="u-1", resolve="8h"), calendar="cn"), [HALF]),
        (written(calendar="cn"), [HALF]),
        (written(hours=["08:00-12:00"]), [HALF]),
        (written(working(category="u-1"), hours=["08:00-12:00"]), [NO_CALENDAR, HALF]),
    ],
)
def test_a_working_clock_wants_a_calendar_and_hours(policy: dict[str, Any], faults: list[str]) -> None:
    assert faults_of(policy) == faults


@pytest.mark.parametrize(
    ("hours", "part"),
    [
        (["08:00-12:00", "11:59-18:00"], "08:00-12:00 and 11:59-18:00 overlap: write them as one, or part them"),
        (["11:59-18:00", "08:00-12:00"], "08:00-12:00 and 11:59-18:00 overlap: write them as one, or part them"),
        (["08:00-12:00", "08:00-12:00"], "08:00-12:00 and 08:00-12:00 overlap: write them as one, or part them"),
        (
            ["22:00-06:00"],
            "22:00-06:00 end before they begin: hours over midnight are two, 00:00-06:00 and 22:00-24:00",
        ),
        (
            ["12:00-08:00"],
            "12:00-08:00 end before they begin: hours over midnight are two, 00:00-08:00 and 12:00-24:00",
        ),
        (["22:00-00:00"], "22:00-00:00: the end of a day is 24:00: write 22:00-24:00"),
        (["08:00-08:00"], "08:00-08:00 have no length: leave them out; a whole day is 00:00-24:00"),
        (["00:00-00:00"], "00:00-00:00 have no length: leave them out; a whole day is 00:00-24:00"),
        (["24:00-06:00"], "24:00-06:00: 24:00 only ends a day: write 00:00-06:00"),
        (["22:00-24:01"], "22:00-24:01: 24:01 is no time of a day: a day ends at 24:00"),
        (["29:00-29:30"], "29:00-29:30: 29:00 is no time of a day: a day ends at 24:00"),
        (["22:00-30:00"], "22:00-30:00: 30:00 is no time of a day: a day ends at 24:00"),
    ],
)
def test_hours_of_no_day_are_named_with_what_to_write(hours: list[str], part: str) -> None:
    assert faults_of(written(calendar="cn", hours=hours)) == [f"hours {part}"]


@pytest.mark.parametrize("hours", ["8:00-12", "08:00-12:60", "08:00", "上午", "٠٨:٠٠-١٢:٠٠", "08:00-12:00,14:00-18:00"])
def test_hours_that_cannot_be_read_are_told_with_their_place(hours: str) -> None:
    (fault,) = faults_of(written(calendar="cn", hours=["00:00-01:00", hours]))
    assert fault.startswith("/hours/1: Send one span of hours as HH:MM-HH:MM, such as 08:00-12:00.")


@pytest.mark.parametrize(
    "hours",
    [
        *("08:00-12:00", "8:00-12:00", "08:00–12:00", "08:00—12:00", "08：00－12：00", "08:00～12:00", "08:00~12:00"),
        *("08:00 - 12:00", " 08:00-12:00\n", "０８:００-１２:００", "08:00至12:00"),
    ],
)
def test_hours_in_the_writing_of_an_office_are_read(hours: str) -> None:
    assert read(written(calendar="cn", hours=[hours])).spans == ((480, 720),)


def test_hours_may_touch_and_reach_from_midnight_to_midnight() -> None:
    assert read(written(calendar="cn", hours=["08:00-24:00", "00:00-08:00"])).spans == ((0, 480), (480, 1440))


OF_WORKING = "of working time: write wd (a working day of these hours) or h"
OF_CONTINUOUS = "of a continuous clock: write d (24 hours) or h"


@pytest.mark.parametrize(
    ("wrong", "faults"),
    [
        (working(category="u", answer="2d"), [f"answer 2d {OF_WORKING}"]),
        (working(category="u", answer="2d", resolve="3d"), [f"answer 2d {OF_WORKING}", f"resolve 3d {OF_WORKING}"]),
        (row(category="u", answer="2wd"), [f"answer 2wd {OF_CONTINUOUS}"]),
        (row(category="u", resolve="10wd"), [f"resolve 10wd {OF_CONTINUOUS}"]),
    ],
)
def test_a_day_of_the_other_clock_is_told(wrong: dict[str, Any], faults: list[str]) -> None:
    named = "level 1, urgency normal, category u: "
    assert faults_of(written(wrong, **OFFICE)) == [named + fault for fault in faults]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"warn": [80, 50]}, "/warn: Send the marks in rising order, each once."),
        ({"warn": [50, 50]}, "/warn: Send the marks in rising order, each once."),
        ({"warn": [0]}, "/warn/0: Send 1 or more."),
        ({"warn": [50, 100]}, "/warn/1: Send 99 or less."),
        ({"warn": [1, 2, 3, 4, 5, 6]}, "/warn: Send at most 5 items."),
        ({"holds": {"times": -1}}, "/holds/times: Send 0 or more."),
        ({"holds": {"longest": "3wd"}}, "/holds/longest: This runs day and night: send s, m, h or d."),
        ({"extensions": {"percent": 0}}, "/extensions/percent: Send 1 or more."),
        ({"returns": 101}, "/returns: Send 100 or less."),
        ({"title": None}, "/title: Add this field: it is required."),
    ],
)
def test_what_is_outside_its_bounds_is_told_with_its_place(changed: dict[str, Any], fault: str) -> None:
    assert faults_of(written(**changed)) == [fault]


@pytest.mark.parametrize(
    ("policy", "pointer", "meant"),
    [
        (written(wran=[50]), "/wran", "warn"),
        (written(holds={"longst": "3d"}), "/holds/longst", "longest"),
        (written(extensions={"time": 2}), "/extensions/time", "times"),
        (written(row(category="u", resolv="1d")), "/rows/0/resolv", "resolve"),
    ],
)
def test_an_unknown_field_is_refused_wherever_it_stands(policy: dict[str, Any], pointer: str, meant: str) -> None:
    (fault,) = faults_of(policy)
    assert fault.startswith(f"{pointer}: ")
    assert meant in fault


def test_all_faults_of_one_file_are_told_at_once() -> None:
    rows = [
        *written()["rows"][1:],
        row(4, "normal"),
        working(category="u-1", answer="2d"),
        row(2, answer="1wd", category="u"),
    ]
    assert faults_of(written(rows=rows, hours=["14:00-18:00", "08:00-06:00"])) == [
        "2 rows for level 4, urgency normal: keep one",
        "no row for level 1, urgency urgent: add one without a category",
        "level 1, urgency normal, category u-1: clock 'working' needs a calendar: name one, such as cn",
        "calendar and hours go together: give both, or neither",
        "hours 08:00-06:00 end before they begin: hours over midnight are two, 00:00-06:00 and 08:00-24:00",
        f"level 1, urgency normal, category u-1: answer 2d {OF_WORKING}",
        "level 2, urgency normal, category u: answer 1wd of a continuous clock: write d (24 hours) or h",
    ]


def test_all_fields_that_cannot_be_read_are_told_at_once() -> None:
    wrong = faults_of(written(row(9, "soon", answer="1"), verify="3", warn=[2, 1], nonsense=1))
    places = {fault.split(": ")[0] for fault in wrong}
    assert places == {"/rows/0/level", "/rows/0/urgency", "/rows/0/answer", "/verify", "/warn", "/nonsense"}


def test_holes_and_rows_that_stand_twice_are_told_beside_what_cannot_be_read() -> None:
    rows = [*written()["rows"][2:], row(4, "normal", answer="soon"), row(2, category="u", resolve="1"), {"level": 1}]
    assert faults_of(written(rows=rows[:-1], verify="3")) == [
        "/verify: Send a duration such as 30m, 4h or 3d (whole s, m, h or d).",
        "/rows/6/answer: Send a duration such as 30m, 4h, 3d or 2wd (whole s, m, h, d or wd).",
        "/rows/7/resolve: Send a duration such as 30m, 4h, 3d or 2wd (whole s, m, h, d or wd).",
        "2 rows for level 4, urgency normal: keep one",
        "no row for level 1, urgency urgent: add one without a category",
        "no row for level 1, urgency normal: add one without a category",
    ]
    wrong = faults_of(written(rows=rows))
    assert "2 rows for level 4, urgency normal: keep one" in wrong
    assert not [each for each in wrong if each.startswith("no row")], "the last one may be what is missing"


@pytest.mark.parametrize("rows", [None, "all", {"level": 1}, [["level", 1]], [7]])
def test_rows_that_are_no_rows_are_told_as_such_alone(rows: object) -> None:
    assert {each.split("/")[1].split(":")[0] for each in faults_of(written(rows=rows))} == {"rows"}


@pytest.mark.parametrize(
    ("category", "hours"), [("u-1-a-9", 3), ("u-1-a", 3), ("u-1-b", 2), ("u-1", 2), ("u-2", 1), ("w", 1)]
)
def test_the_longest_category_prefix_wins_in_whatever_order_the_rows_stand(category: str, hours: int) -> None:
    rows = [
        row(category="u-1", answer="2h"),
        row(category="u-1-a", answer="3h"),
        row(2, category="u-1-a-9", answer="9h"),
    ]
    for each in (rows, rows[::-1]):
        policy = read(written(*each)).policy(1)
        assert policy.box(Level.COMMUNITY, Urgency.NORMAL, category).answer_s == hours * 3600
        assert policy.box(Level.COMMUNITY, Urgency.URGENT, category).answer_s == 3600


def test_a_policy_with_a_hole_that_nothing_let_in_says_which() -> None:
    policy = PolicyFile.model_validate(written(rows=[row(category="u")])).policy(7)
    with pytest.raises(LookupError, match="policy example version 7 has no row for level 1"):
        policy.box(Level.COMMUNITY, Urgency.NORMAL, "w")


@pytest.mark.parametrize(
    "text", ["", "1", "h", "0h", "01h", "-1h", "1.5h", "1 h", "1h\n", "1w", "1H", "1h30m", "٣h", "1" * 10 + "s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        seconds_of(text, working_day_s=28_800)
    assert faults_of(written(verify=text))[0].startswith("/verify: Send a duration such as 30m")


@pytest.mark.parametrize(("text", "sound"), [("400d", True), ("401d", False), ("9600h", True), ("9601h", False)])
def test_a_duration_is_at_most_400_days(text: str, sound: bool) -> None:
    assert faults_of(written(verify=text)) == ([] if sound else ["/verify: Send 400d or less."])
