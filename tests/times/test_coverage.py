"""The days that policies need and calendars do not know: which they are, and who is warned of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from service.rules.policy import Policy
from service.times import coverage
from service.times.policy_file import PolicyFile
from service.times.room import CalendarWatch
from tests.house import House
from tests.registry.bundle.test_routes import bring
from tests.registry.bundles import OFFICE, row, working, written

NOW = datetime(2026, 11, 26, 1, tzinfo=UTC)
TODAY = date(2026, 11, 26)
LOAD = "load them with `sihu calendar load FILE --calendar own`"
NOTICE = (
    "this version does not know the holidays of 2027 yet; once their notice is out, each November, load it with "
    "`sihu calendar load FILE --calendar {}`"
)


def days(first: str, last: str) -> set[date]:
    start, end = date.fromisoformat(first), date.fromisoformat(last)
    return {start + timedelta(days=n) for n in range((end - start).days + 1)}


def policy(calendar: str = "own", **changed: Any) -> Policy:
    fields = {**OFFICE, "calendar": calendar, **changed}
    return PolicyFile.model_validate(written(working(category="u"), **fields)).policy(1)


def warnings(known: Collection[date], *policies: Policy) -> list[str]:
    return [gap.warning for gap in coverage.gaps(policies or [policy()], lambda _, day: day in known, NOW)]


@pytest.mark.parametrize(
    ("known", "gaps"),
    [
        (days("2026-11-26", "2027-11-27"), []),
        (days("2026-01-01", "2026-12-31"), [("no day of 2027", NOTICE.format("own"))]),
        (days("2026-01-01", "2027-06-30"), [("not know 2027-07-01 to 2027-11-27", NOTICE.format("own"))]),
        (days("2026-01-01", "2027-12-31") - {date(2026, 12, 25)}, [("not know 2026-12-25", LOAD)]),
        (days("2026-11-27", "2027-12-31"), [("not know 2026-11-26", LOAD)]),
        (set(), [("no day of 2026", LOAD), ("no day of 2027", NOTICE.format("own"))]),
    ],
)
def test_every_gap_of_the_year_ahead_is_named(known: set[date], gaps: list[tuple[str, str]]) -> None:
    found = warnings(known)
    assert len(found) == len(gaps)
    for sentence, (part, advice) in zip(found, gaps, strict=True):
        assert part in sentence
        assert sentence.endswith(f", so deadlines there are provisional: {advice}")


def test_days_that_are_published_are_to_be_seeded() -> None:
    known = days("2027-01-01", "2027-12-31")
    assert warnings(known, policy("cn"))[0].endswith("provisional: run `sihu calendar seed`")


def test_a_policy_without_working_time_needs_no_days() -> None:
    continuous = PolicyFile.model_validate(written(row(category="u"), **OFFICE)).policy(1)
    assert warnings(set(), continuous) == []
    assert warnings(set(), PolicyFile.model_validate(written()).policy(1)) == []


def test_a_calendar_full_of_holes_names_a_few() -> None:
    known = {TODAY + timedelta(days=n) for n in range(0, 400, 2)}
    assert len(warnings(known)) == 10


@pytest.mark.anyio
async def test_a_change_of_days_answers_what_is_still_missing(shipped: House) -> None:
    body = {"source": "test", "days": [{"day": "2027-01-01", "workday": False}]}
    answer = await shipped.send("ops", "PUT", "/v1/calendars/cn/days", body)
    (warning,) = answer.json()["warnings"]
    assert warning.startswith("calendar cn does not know 2027-01-02 to 2027-11-")
    chinese = await shipped.send("ops", "PUT", "/v1/calendars/cn/days", body, headers={"Accept-Language": "zh-CN"})
    assert chinese.json()["warnings"][0].startswith("日历 cn 缺少 2027-01-02 至 2027-11-")
    filled = await shipped.send("ops", "PUT", "/v1/calendars/cn/days", {"source": "test", "fill_years": [2027]})
    assert filled.json()["warnings"] == []
    other = await shipped.send("ops", "PUT", "/v1/calendars/own/days", body)
    assert other.json()["warnings"] == [], "no policy in force counts by it"


@pytest.mark.anyio
async def test_an_import_answers_what_calendars_lack(shipped: House) -> None:
    texts = {"lines.csv": "code,name\nurban,城市管理\n"}
    before = await bring(shipped, json.dumps(texts).encode(), "application/json")
    assert before.json()["warnings"][0].startswith("calendar cn knows no day of 2027")
    lines = "".join(f"cn,{day},true\n" for day in sorted(days("2027-01-01", "2027-12-31")))
    texts = {"calendar.csv": f"code,day,workday\n{lines}"}
    for dry_run in ("true", "false"):
        after = await bring(shipped, json.dumps(texts).encode(), "application/json", dry_run=dry_run)
        assert after.json()["warnings"] == []


@pytest.mark.anyio
async def test_a_start_logs_one_line_about_gaps(shipped: House, caplog: pytest.LogCaptureFixture) -> None:
    watch = CalendarWatch(shipped.process.context)
    with caplog.at_level(logging.WARNING, logger="service.times.room"):
        watch.start()
    (record,) = caplog.records
    assert record.getMessage().startswith("calendar cn knows no day of 2027")


@pytest.mark.anyio
async def test_a_start_without_gaps_logs_nothing(house: House, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="service.times.room"):
        CalendarWatch(house.process.context).start()
    assert caplog.records == []
