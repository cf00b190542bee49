"""`sihu policy …` and `sihu calendar …`, and the feed files they load: exit codes, and one clear line on faults."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from service.store.database import Database
from service.store.registry import calendars as stored
from service.store.registry.calendars import Day
from tests.commands.running import Run
from tests.registry.bundles import in_yaml, row, working, written

CSV = "day,workday,note\n2027-01-01,false,元旦\n2027-01-02,TRUE,\n2027-01-03,off,\n2027-01-04,workday,\n"

UNSAID = (
    "It does not say these, which are taken from the sample: holds {times: 3, longest: 365d}, "
    "extensions {times: 3, percent: 100}, late 80, late_exit 50, unverified 50, spot_check 5, appeal 10d and "
    "quota {reports: 300, urgent: 30}."
)


def save(name: str, content: bytes | str | dict[str, Any]) -> str:
    if isinstance(content, dict):
        content = in_yaml(content)
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    return name


def days(url: str, first: date, last: date) -> list[Day]:
    async def read() -> list[Day]:
        database = Database(url, pool_size=1)
        async with database.read() as connection:
            found = await stored.between(connection, "cn", first, last)
        await database.close()
        return found

    return asyncio.run(read())


def test_a_policy_is_checked_drafted_activated_and_listed(run: Run, haizhu_url: str) -> None:
    file = save("policy.yaml", written(verify="5d"))
    assert run(haizhu_url, "policy", "check", file) == (0, ["policy.yaml is sound.", UNSAID], [])
    assert run(haizhu_url, "policy", "list")[1][0].startswith("example 1  ")
    assert len(run(haizhu_url, "policy", "list")[1]) == 1  # a check writes nothing
    assert run(haizhu_url, "policy", "draft", file) == (0, ["example version 2: drafted; activate it next."], [])
    assert run(haizhu_url, "policy", "draft", file) == (0, ["example version 2: says the same already."], [])
    assert run(haizhu_url, "policy", "list")[1][1] == "example 2  draft"
    later = run(haizhu_url, "policy", "activate", "example", "2", "--at", "2090-01-01T08:00:00+08:00")
    assert later == (0, ["example version 2 is in force from 2090-01-01T00:00:00+00:00."], [])
    assert run(haizhu_url, "policy", "list")[1] == [
        "example 1  in force until 2090-01-01T00:00:00+00:00",
        "example 2  from 2090-01-01T00:00:00+00:00",
    ]
    code, (line,), wrong = run(haizhu_url, "policy", "activate", "example", "2")
    assert (code, line.partition(" from ")[0], wrong) == (0, "example version 2 is in force", [])
    first, second = run(haizhu_url, "policy", "list")[1]
    assert second == "example 2  in force"
    assert first.startswith("example 1  was in force from 2026-11-23T01:00:00+00:00 until 20")


def test_faults_of_a_policy_are_all_on_stderr_and_the_exit_code_is_1(run: Run, haizhu_url: str) -> None:
    file = save("bad.yaml", written(rows=written()["rows"][2:]))
    for verb in ("check", "draft"):
        code, lines, wrong = run(haizhu_url, "policy", verb, file)
        assert (code, lines) == (1, [])
        assert wrong == [
            "no row for level 1, urgency urgent: add one without a category",
            "no row for level 1, urgency normal: add one without a category",
            "sihu: bad.yaml: 2 faults; nothing was written",
        ]


BAD = written(row(category="x"), working(category="y"), calendar="cn", hours=["08:00-12:00"])


def test_faults_that_only_the_registry_shows_are_told_by_check(run: Run, haizhu_url: str) -> None:
    code, lines, wrong = run(haizhu_url, "policy", "check", save("bad.yaml", BAD))
    assert (code, lines, len(wrong)) == (1, [], 3)
    assert wrong[2] == "calendar cn holds no days: load them first (sihu calendar load)"


def test_a_draft_that_the_registry_refuses_is_not_stored(run: Run, haizhu_url: str) -> None:
    code, lines, wrong = run(haizhu_url, "policy", "draft", save("bad.yaml", BAD))
    assert (code, lines, wrong[-1]) == (1, [], "sihu: 3 faults; nothing was written: correct each of errors.")
    assert len(run(haizhu_url, "policy", "list")[1]) == 1


def test_a_draft_that_the_registry_refuses_says_why(run: Run, haizhu_url: str) -> None:
    _, _, wrong = run(haizhu_url, "policy", "draft", save("bad.yaml", BAD))
    assert any("calendar cn holds no days" in line for line in wrong)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("policy", "check", "none.yaml"), "cannot read none.yaml: No such file or directory"),
        (("policy", "draft", "."), "cannot read .: Is a directory"),
        (("policy", "activate", "example", "7"), "There is no version 7 of policy example"),
        (("policy", "activate", "example", "1", "--at", "tomorrow"), "tomorrow is no time with its offset"),
        (("policy", "activate", "example", "1", "--at", "2090-01-01T08:00:00"), "is no time with its offset"),
        (("policy", "activate", "example", "1", "--at", "2020-01-01T08:00:00Z"), "nothing is activated in the past"),
        (("calendar", "load", "days.csv", "--fill-year", "2026", "--fill-year", "1999"), "--fill-year 1999: give"),
        (("calendar", "load", "days.csv", "--calendar", "a b"), "no calendar's code for --calendar"),
        (("keys", "create", "--role", "unit"), "sihu: --unit: Name the unit: a key with role unit is for one."),
        (("calendar", "load", "none.csv"), "cannot read none.csv: No such file or directory"),
    ],
)
def test_a_fault_is_one_clear_line_and_exit_code_1(
    run: Run, haizhu_url: str, arguments: tuple[str, ...], part: str
) -> None:
    save("days.csv", CSV)
    code, lines, wrong = run(haizhu_url, *arguments)
    assert (code, lines, len(wrong)) == (1, [], 1)
    assert wrong[0].startswith("sihu: ")
    assert part in wrong[0]


@pytest.mark.parametrize("arguments", [("policy",), ("policy", "activate", "example", "x"), ("calendar", "load")])
def test_a_wrong_call_has_exit_code_2(run: Run, haizhu_url: str, arguments: tuple[str, ...]) -> None:
    assert run(haizhu_url, *arguments)[0] == 2


def test_a_moment_before_all_time_is_one_clear_line(run: Run, haizhu_url: str) -> None:
    assert run(haizhu_url, "policy", "activate", "example", "1", "--at", "0001-01-01T00:00:00+08:00")[0] == 1


def test_days_are_seeded_once_around_what_was_loaded(run: Run, haizhu_url: str) -> None:
    file = save("2025.csv", "day,workday\n2025-10-01,true\n")
    nobody = "; the engine looks at 0 running deadlines again."
    assert run(haizhu_url, "calendar", "load", file) == (0, [f"cn: 1 day changed{nobody}"], [])
    assert run(haizhu_url, "calendar", "seed") == (0, [f"cn: {7 * 365 + 1} days changed{nobody}"], [])
    first, second = days(haizhu_url, date(2025, 10, 1), date(2025, 10, 2))
    assert first == Day(date(2025, 10, 1), True, "2025.csv")
    assert (second.workday, second.source.split()[0]) == (False, "chinesecalendar")
    again = ["Nothing to seed: calendar cn knows every day from 2020-01-01 to 2026-12-31."]
    assert run(haizhu_url, "calendar", "seed") == (0, again, [])
    code, lines, _ = run(haizhu_url, "calendar", "coverage")
    assert (code, lines[0], lines[5]) == (0, "2020  366 of 366 days", "2025  365 of 365 days")


def test_a_year_of_which_one_day_is_known_is_filled_up_when_asked(run: Run, haizhu_url: str) -> None:
    file = save("2025.csv", "day,workday\n2025-10-01,true\n")
    run(haizhu_url, "calendar", "load", file)
    assert run(haizhu_url, "calendar", "coverage")[1] == ["2025  1 of 365 days  (not covered)"]
    code, lines, _ = run(haizhu_url, "calendar", "load", file, "--fill-year", "2025")
    assert (code, lines[0].partition(";")[0]) == (0, "cn: 364 days changed")
    assert run(haizhu_url, "calendar", "coverage")[1] == ["2025  365 of 365 days"]


def test_an_edited_day_outlives_a_seed(run: Run, office_url: str) -> None:
    run(office_url, "calendar", "load", save("own.csv", "day,workday,note\n2026-10-01,true,加班\n"))
    assert run(office_url, "calendar", "seed")[0] == 0
    day = date(2026, 10, 1)
    assert days(office_url, day, day) == [Day(day, True, "own.csv", "加班")]


SEVEN = written(working(category="urban"), calendar="cn", hours=["08:30-12:00", "14:00-17:30"])


def test_a_check_says_what_one_wd_is(run: Run, office_url: str) -> None:
    code, lines, wrong = run(office_url, "policy", "check", save("seven.yaml", SEVEN))
    assert (code, wrong) == (0, [])
    assert lines[:3] == [
        "seven.yaml is sound.",
        "1wd is 7h: one working day of 08:30-12:00 and 14:00-17:30.",
        UNSAID,
    ]
    assert [line.split(" does not know ")[0].split(" knows no ")[0] for line in lines[3:]] == ["warning: calendar cn"]


def test_a_policy_of_chinese_windows_is_read_and_said(run: Run, haizhu_url: str) -> None:
    file = save("gbk.yaml", in_yaml(written(title="示例时限")).decode().encode("gbk"))
    code, lines, _ = run(haizhu_url, "policy", "check", file)
    assert (code, lines[0].split(",")[0], lines[1]) == (
        0,
        "warning: gbk.yaml was read as GB18030",
        "gbk.yaml is sound.",
    )


@pytest.mark.parametrize("verb", ["check", "draft"])
def test_hours_over_midnight_are_refused_with_the_way(run: Run, haizhu_url: str, verb: str) -> None:
    file = save("night.yaml", written(calendar="cn", hours=["22:00-06:00"]))
    code, lines, wrong = run(haizhu_url, "policy", verb, file)
    assert (code, lines) == (1, [])
    assert wrong == [
        "hours 22:00-06:00 end before they begin: hours over midnight are two, 00:00-06:00 and 22:00-24:00",
        "sihu: night.yaml: 1 fault; nothing was written",
    ]


def test_an_activation_says_what_the_calendar_lacks(run: Run, office_url: str) -> None:
    run(office_url, "policy", "draft", save("seven.yaml", SEVEN))
    code, lines, _ = run(office_url, "policy", "activate", "example", "2")
    assert (code, len(lines)) == (0, 2)
    assert lines[1].startswith("warning: calendar cn ")


def test_a_load_says_what_the_calendar_still_lacks(run: Run, office_url: str) -> None:
    _, lines, _ = run(office_url, "calendar", "load", save("own.csv", TYPHOON))
    assert len(lines) == 2
    assert lines[1].startswith("warning: calendar cn ")


def test_a_broken_feed_file_is_told_by_line_and_writes_nothing(run: Run, haizhu_url: str) -> None:
    perhaps = "workday 'perhaps': Send true or false (or 1/0, yes/no, workday/off, 是/否, 班/休)."
    file = save("feed.csv", "day,workday\n2027-01-01,true\n2027-01-02,perhaps\n")
    assert run(haizhu_url, "calendar", "load", file) == (1, [], [f"sihu: feed.csv:3: {perhaps}"])
    file = save("feed.csv", "day,workday\n2027-01-01,perhaps\n2027-02-30,true\n")
    assert run(haizhu_url, "calendar", "load", file) == (
        1,
        [],
        [
            f"feed.csv:2: {perhaps}",
            "feed.csv:3: day '2027-02-30': There is no day 2027-02-30: send one such as 2026-11-23.",
            "sihu: 2 faults in feed.csv; nothing was written: correct each.",
        ],
    )
    code, lines, wrong = run(haizhu_url, "calendar", "coverage")
    assert (code, lines, len(wrong)) == (1, [], 1), "nothing was loaded"


TYPHOON = "day,workday,note\n2026-07-08,false,台风\n"
NOTICE_2026 = json.dumps({"year": 2026, "days": [{"name": "国庆节", "date": "2026-10-01", "isOffDay": True}]})
NEXT_NOTICE = json.dumps(
    {
        "year": 2027,
        "days": [
            {"name": "元旦", "date": "2026-12-31", "isOffDay": True},
            {"name": "元旦", "date": "2027-01-01", "isOffDay": True},
        ],
    }
)


def test_a_notice_loaded_again_leaves_a_day_off_that_ops_have_set(run: Run, haizhu_url: str) -> None:
    notice = save("2026.json", NOTICE_2026)
    assert run(haizhu_url, "calendar", "load", notice)[1][0].startswith("cn: 365 days changed")
    run(haizhu_url, "calendar", "load", save("own.csv", TYPHOON))
    for more in ((), ("--fill-year", "2026")):
        assert run(haizhu_url, "calendar", "load", notice, *more)[1][0].startswith("cn: 0 days changed")
    day = date(2026, 7, 8)
    assert days(haizhu_url, day, day) == [Day(day, False, "own.csv", "台风")]


def test_what_a_notice_names_wins_over_what_was_set_before(run: Run, haizhu_url: str) -> None:
    run(haizhu_url, "calendar", "load", save("own.csv", "day,workday\n2026-10-01,true\n"))
    run(haizhu_url, "calendar", "load", save("2026.json", NOTICE_2026))
    day = date(2026, 10, 1)
    assert days(haizhu_url, day, day) == [Day(day, False, "2026.json", "国庆节")]


def test_the_days_that_next_years_notice_sets_in_december_outlive_this_years(run: Run, haizhu_url: str) -> None:
    for name, content in (("2026.json", NOTICE_2026), ("2027.json", NEXT_NOTICE), ("2026.json", NOTICE_2026)):
        assert run(haizhu_url, "calendar", "load", save(name, content))[0] == 0
    last = date(2026, 12, 31)
    assert days(haizhu_url, last, last) == [Day(last, False, "2027.json", "元旦")]
    assert days(haizhu_url, date(2027, 1, 1), date(2027, 12, 31))[1].source == "2027.json"
