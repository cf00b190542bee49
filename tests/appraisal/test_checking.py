"""The check that holds the figures to the log: nothing to say when they agree, one line a figure when they do not."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from service.appraisal import checking
from service.rules.figures.definition import Period
from tests.house import COMMUNITY, House

pytestmark = pytest.mark.anyio

MONTH = Period(2026, 11)


async def _differences(house: House, period: Period = MONTH) -> list[str]:
    return await checking.differences(house.process.database, period, house.process.worlds.world)


async def _tamper(house: House, change: str) -> None:
    async with house.process.database.begin() as tx:
        await tx.execute(text(change))


async def test_a_month_without_calls_agrees(house: House) -> None:
    assert await _differences(house) == []


async def test_what_the_service_does_agrees_with_its_log(house: House) -> None:
    incident = await house.report()
    await house.advance(seconds=5 * 3600)
    await house.act("street", incident, "resolve", result="已清运")
    assert await _differences(house) == []
    assert await _differences(house, Period(2026, 12)) == []


@pytest.mark.clause("GB/T 22239 8.1.4.7 b")
async def test_a_changed_figure_is_named_by_group_and_in_total(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "answer", measure="派人清理")
    await _tamper(house, "UPDATE call SET answered_at = answer_by + interval '1 s'")
    found = await _differences(house)
    for group in (COMMUNITY, "total"):
        assert f"by unit, {group}: answered_late is 1 by the calls, 0 by the log" in found
        assert f"by unit, {group}: answered_in_time is 0 by the calls, 1 by the log" in found
    assert not any(line.startswith("by department,") for line in found), "no call was at a department"


async def test_a_call_without_a_log_is_found(house: House) -> None:
    await house.report()
    await _tamper(house, "DELETE FROM event WHERE incident_id IS NOT NULL")
    found = await _differences(house)
    assert f"by unit, {COMMUNITY}: calls is 1 by the calls, 0 by the log" in found
    assert "by level, 1: open is 1 by the calls, 0 by the log" in found


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("UPDATE appraisal_frozen SET missed_answer = 0", "frozen digest is "),
        ("DELETE FROM appraisal_frozen", "frozen digest is "),
        ("UPDATE appraisal_frozen SET answers = ARRAY[1]", "frozen digest is "),
        ("UPDATE appraisal_month SET digest = 'x'", "noted digest is x by the rows, "),
        (
            "UPDATE appraisal_month SET policy_version = 7",
            "frozen policy is {'code': 'example', 'version': 7} by ",
        ),
        (
            "UPDATE appraisal_month SET closed_at = NULL, digest = NULL, policy_code = NULL, policy_version = NULL",
            "the month is open by the rows, closed at 2026-11-30 16:00:00+00:00 by the log",
        ),
        ("UPDATE appraisal_month SET closed_at = closed_at + interval '1 s'", "the log does not have that the month"),
        (
            "DELETE FROM event WHERE type = 'sihu.appraisal.closed'",
            "the log does not have that the month",
        ),
    ],
)
async def test_what_was_tampered_with_after_the_close(house: House, change: str, line: str) -> None:
    await _closed(house)
    assert await _differences(house) == []
    await _tamper(house, change)
    (found,) = await _differences(house)
    assert found.startswith(line)


async def _closed(house: House) -> None:
    await house.report()
    await house.advance(to="2026-12-01T00:00:00+08:00")
    assert (await house.send("ops", "POST", "/v1/appraisal/2026-11/close")).status_code == 200


async def test_a_second_close_in_the_log(house: House) -> None:
    await _closed(house)
    columns = "type, area, audience, data"
    where = "FROM event WHERE type = 'sihu.appraisal.closed'"
    later = f"SELECT batch_id, ord + 1, at + interval '1 s', {columns} {where}"
    await _tamper(house, f"INSERT INTO event (batch_id, ord, at, {columns}) {later}")
    times = "2026-11-30 16:00:00+00:00, 2026-11-30 16:00:01+00:00"
    assert await _differences(house) == [f"the log has more than one close of the month: {times}"]


@pytest.mark.parametrize("change", ["UPDATE appraisal_seed SET seed = sha256(seed)", "DELETE FROM appraisal_seed"])
async def test_a_seed_is_the_one_that_was_published(house: House, change: str) -> None:
    """Whoever changes it before the close chooses what is drawn, and the close reveals what was chosen."""
    await house.advance(to="2026-12-01T00:00:00+08:00")
    assert await _differences(house) == []
    await _tamper(house, change)
    (before,) = await _differences(house)
    assert before.startswith("seed digest is ")
    assert (await house.send("ops", "POST", "/v1/appraisal/2026-11/close")).status_code == 200
    assert await _differences(house) == [before]


async def test_a_seed_stays_the_one_of_the_close(house: House) -> None:
    await _closed(house)
    await _tamper(house, "UPDATE appraisal_seed SET seed = sha256(seed)")
    assert [line.split(" is ")[0] for line in await _differences(house)] == ["seed digest", "seed"]
