"""Days that would leave a policy in use without working time are refused, whoever writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.commands import sample
from service.registry.bundle.files import read_folder
from service.rules.errors import ValidationFailed
from service.store.database import Database
from service.store.registry.calendars import Day
from service.times import calendar_changes, policies
from service.times.policy_file import PolicyFile
from tests.house import START, House
from tests.registry.bundles import DAY, NOW, OPS, bring, everything, files, working, written

pytestmark = pytest.mark.anyio

ROW = "level 1, urgency normal, category u"
ENDLESS = "it would not end within 5 years: leave more working days in calendar"
HOURS: dict[str, Any] = {"calendar": "own", "hours": ["08:00-12:00"]}
TO_COME = NOW + 30 * DAY
SOME = [Day(date(2026, 11, 24), True, "t")]


def off(first: int, last: int) -> list[Day]:
    """Every day of these years, none of them a working day."""
    start = date(first, 1, 1)
    count = (date(last + 1, 1, 1) - start).days
    return [Day(start + timedelta(days=n), False, "t") for n in range(count)]


async def stored(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row, without the log's numbering, which comes when it comes."""
    return {name: rows for name, rows in (await everything(database)).items() if name != "log_batch"}


async def refused(
    database: Database, wanted: Sequence[Day], *, now: datetime = NOW, calendar: str = "own"
) -> list[str]:
    """What is wrong with these days; and nothing was written."""
    before = await stored(database)
    with pytest.raises(ValidationFailed) as found:
        await calendar_changes.change_days(database, calendar, wanted, now, OPS)
    assert await stored(database) == before
    return [each.detail for each in found.value.errors]


async def draft(database: Database, **changed: Any) -> None:
    """Version 2 of the policy: a row that counts by calendar `own`."""
    await bring(database, files())
    await calendar_changes.change_days(database, "own", SOME, NOW, OPS)
    wanted = written(working(category="u"), **{**HOURS, **changed})
    await policies.draft(database, PolicyFile.model_validate(wanted), NOW, OPS)


async def test_years_of_days_off_are_refused_with_every_row_that_would_not_end(office: Database) -> None:
    wrong = await refused(office, off(2027, 2036), calendar="cn")
    assert len(wrong) > 1
    assert all(each.startswith("policy example version 1, level ") for each in wrong), wrong
    assert all(each.endswith(f": {ENDLESS} cn") for each in wrong)
    assert (await calendar_changes.change_days(office, "cn", off(2027, 2030), NOW, OPS)).days == 4 * 365 + 1


async def test_days_off_are_refused_over_http_as_a_problem_that_names_the_row(shipped: House) -> None:
    statuses = []
    for first, last in ((2027, 2029), (2030, 2032), (2033, 2033)):
        days = [{"day": each.day.isoformat(), "workday": False} for each in off(first, last)]
        answer = await shipped.send("ops", "PUT", "/v1/calendars/cn/days", {"source": "t", "days": days})
        statuses.append(answer.status_code)
        if answer.status_code == 422:
            problem = answer.json()
    assert statuses == [200, 422, 200]
    assert problem["code"] == "validation_failed"
    assert [each["pointer"] for each in problem["errors"]] == [""] * len(problem["errors"])
    assert ENDLESS in problem["errors"][0]["detail"]
    assert (await shipped.report())["due_kind"] == "answer"


@pytest.mark.parametrize("at", [None, TO_COME])
async def test_a_version_in_force_or_to_come_is_protected_and_a_draft_is_not(
    database: Database, at: datetime | None
) -> None:
    await draft(database)
    assert (await calendar_changes.change_days(database, "own", off(2027, 2036), NOW, OPS)).days
    await calendar_changes.change_days(
        database, "own", [Day(each.day, True, "t") for each in off(2027, 2036)], NOW, OPS
    )
    await policies.activate(database, "example", 2, at, NOW, OPS)
    assert await refused(database, off(2027, 2036)) == [f"policy example version 2, {ROW}: {ENDLESS} own"]
    assert (await calendar_changes.change_days(database, "other", off(2027, 2036), NOW, OPS)).days


async def test_a_version_that_open_incidents_are_under_is_protected_until_they_are_closed(shipped: House) -> None:
    made = await shipped.report()
    database, now = shipped.process.database, START + timedelta(minutes=1)
    await policies.draft(database, PolicyFile.model_validate(written(code="other")), now, OPS)
    await policies.activate(database, "other", 1, None, now, OPS)
    later = now + timedelta(minutes=1)
    assert (await refused(database, off(2027, 2036), now=later, calendar="cn"))[0].startswith(
        "policy example version 1"
    )
    await shipped.act("worker", made, "withdraw", reason="误报")
    assert (await calendar_changes.change_days(database, "cn", off(2027, 2036), later, OPS)).days


async def test_a_calendar_that_is_wrong_already_is_put_right_in_several_steps(database: Database) -> None:
    await draft(database)
    await policies.activate(database, "example", 2, None, NOW, OPS)
    rows = "SELECT 'own', d, false, 't', NULL, now() FROM generate_series(date '2026-11-25', '2099-12-31', '1 day') d"
    async with database.begin() as tx:
        await tx.execute(text(f"INSERT INTO calendar_day {rows}"))
    workdays = [Day(each.day, True, "t") for each in off(2027, 2036)]
    assert (await calendar_changes.change_days(database, "own", workdays, NOW, OPS)).days == len(workdays)


@pytest.mark.parametrize("dry_run", [True, False])
async def test_a_bundle_with_such_days_is_refused_as_a_fault_of_its_calendar(office: Database, dry_run: bool) -> None:
    lines = "".join(f"cn,{each.day},false\n" for each in off(2027, 2036))
    before = await everything(office)
    report = await bring(
        office,
        read_folder(sample.SAMPLE) | {"calendar.csv": f"code,day,workday\n{lines}".encode()},
        dry_run=dry_run,
    )
    assert {fault.file for fault in report.faults} == {"calendar.csv", "policy.yaml"}
    assert any(ENDLESS in fault.detail for fault in report.faults)
    assert await everything(office) == before
