"""A duty moves at its date: before, on and after it; what is past stays as it was, whoever asks at the same moment."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from tests.house import CATEGORY, DEPARTMENT, LEADER, START, STREET, House
from tests.registry.admissions import (
    ALWAYS,
    APPROVE,
    DUTIES,
    MOMENT,
    OTHER,
    PROPOSALS,
    approve,
    events_of,
    later,
    lead,
    move,
    propose,
    refused,
    rows,
    stored,
)
from tests.registry.bundles import DAY

pytestmark = pytest.mark.anyio


# --- from when ------------------------------------------------------------------------------------------------------


async def test_admitted_now_it_is_in_force_at_once_and_the_row_before_ends_where_it_begins(house: House) -> None:
    await propose(house)
    admitted = await approve(house)
    assert (admitted["approved_by"], admitted["approved_at"], admitted["valid_from"]) == (
        {"kind": "ops", "subject": "ops"},
        "2026-11-23T01:00:00Z",
        "2026-11-23T01:00:00Z",
    )
    assert (await house.get("auditor", PROPOSALS))["items"] == [admitted]
    assert await rows(house) == [(DEPARTMENT, ALWAYS, START), (OTHER, START, None)]
    assert await lead(house) == [OTHER]
    assert await lead(house, at=(START - MOMENT).isoformat()) == [DEPARTMENT]


async def test_a_code_never_heard_of_becomes_a_duty_and_ends_when_it_should(house: House) -> None:
    await propose(house, code="NEW", valid_to="2027-01-01")
    await approve(house, "NEW", valid_from="2026-12-01T00:00:00+08:00")
    for at, expected in (("2026-11-30", []), ("2026-12-01", [OTHER]), ("2026-12-31", [OTHER]), ("2027-01-01", [])):
        assert await lead(house, "NEW", f"{at}T00:00:00+08:00") == expected


async def test_a_raise_before_the_date_goes_to_the_department_after_it_elsewhere_and_what_is_open_stays(
    house: House,
) -> None:
    early = await raised(house, "worker")
    await move(house, OTHER, 1)
    await house.advance(to=(START + DAY - MOMENT).isoformat())
    last = await raised(house, "worker")
    await house.advance(to=later(1))
    after = await raised(house, "worker")
    assert [each["unit"]["code"] for each in (early, last, after)] == [DEPARTMENT, DEPARTMENT, OTHER]
    open_one = await house.get("worker", f"/v1/incidents/{last['id']}")
    assert (open_one["unit"]["code"], open_one["state"]) == (DEPARTMENT, "calling")
    await house.act(DEPARTMENT, open_one, "answer", measure="我们来办")


async def test_from_the_date_on_which_a_street_has_it_no_department_is_called(house: House) -> None:
    await propose(house, lead_unit=STREET, area=STREET, code="ST-001")
    await approve(house, "ST-001", valid_from=later(1))
    assert (await raised(house, "worker"))["unit"]["code"] == DEPARTMENT
    await house.advance(to=later(1))
    call = (await raised(house, "worker"))["calls"][-1]
    assert (call["unit"], call["cause"]) == (LEADER, "unrouted")


async def raised(house: House, who: str) -> Any:
    """A fresh incident that its community and street raised."""
    incident = await house.report(who, category=CATEGORY)
    for unit in ("community", "street"):
        incident = await house.act(unit, incident, "raise", ground="beyond_powers", reason="不归我们")
    return incident


async def test_who_was_responsible_on_a_day_is_answered_the_same_ever_after(house: House) -> None:
    days = [(START + n * DAY).isoformat() for n in range(-400, 60, 20)] + [later(n) for n in range(12)]
    for now, (unit, from_day) in enumerate([(OTHER, 2), ("dept-water", 2), (STREET, 5), (DEPARTMENT, 4), (OTHER, 5)]):
        past = [day for day in days if day < later(now)]
        before = [await lead(house, at=day) for day in past]
        await move(house, unit, from_day)
        assert [await lead(house, at=day) for day in past] == before
        await house.advance(to=later(now + 1))
    assert [(await lead(house, at=later(day)))[0] for day in range(8)] == [
        *[DEPARTMENT] * 2,
        *["dept-water"] * 2,
        DEPARTMENT,
        *[OTHER] * 3,
    ]
    whole = await rows(house)
    assert [end for _, _, end in whole] == [start for _, start, _ in whole[1:]] + [None]


async def test_nothing_is_admitted_in_the_past_nor_at_a_moment_without_its_offset(house: House) -> None:
    await propose(house)
    past = [(START - MOMENT).isoformat(), "2020-01-01T00:00:00Z"]
    for valid_from in (*past, "2026-12-01", "2026-12-01T00:00:00", 1_795_482_000, "soon", True):
        wrong = await refused(house, APPROVE, {"valid_from": valid_from})
        assert wrong == (422, "validation_failed", ["/valid_from"]), valid_from
    assert await refused(house, APPROVE, {"from": later(1)}) == (422, "validation_failed", ["/from"])
    assert (await approve(house, valid_from=later(0)))["valid_from"] == "2026-11-23T01:00:00Z"


async def test_what_ends_before_it_would_begin_is_not_admitted(house: House) -> None:
    await propose(house, valid_to=later(3))
    assert await refused(house, APPROVE, {"valid_from": later(3)}) == (422, "validation_failed", ["/valid_from"])
    await approve(house, valid_from=(START + 3 * DAY - MOMENT).isoformat())


async def test_what_no_longer_fits_the_registry_is_not_admitted(house: House) -> None:
    await propose(house)
    async with house.process.database.begin() as tx:
        await tx.execute(
            text("UPDATE unit SET valid_to = :end WHERE code = :code"), {"end": START + DAY, "code": OTHER}
        )
    assert await refused(house, APPROVE, {"valid_from": later(1)}) == (422, "validation_failed", [""])
    assert (await house.send("ops", "POST", APPROVE, {"valid_from": later(1)})).json()["detail"].count(OTHER) == 1
    await approve(house)


# --- once -----------------------------------------------------------------------------------------------------------


async def test_a_code_never_heard_of_is_404(house: House) -> None:
    for code in ("NEVER", "a b", "x" * 65):
        assert (await refused(house, f"{DUTIES}/{code}/approve", {}))[:2] == (404, "not_found"), code


async def test_a_duty_without_a_proposal_is_told_what_to_do(house: House) -> None:
    assert (await refused(house, APPROVE, {}))[:2] == (409, "conflict")
    assert "POST /v1/duties" in (await house.send("ops", "POST", APPROVE, {})).json()["detail"]


@pytest.mark.parametrize("valid_from", [None, later(1)])
async def test_a_retry_is_answered_with_what_is_however_late(house: House, valid_from: str | None) -> None:
    body = {"valid_from": valid_from} if valid_from else {}
    await propose(house)
    first = await approve(house, **body)
    await house.advance(to=later(2))
    before = await stored(house)
    for again in (body, {}, {"valid_from": first["valid_from"]}):
        assert await approve(house, **again) == first
    assert (await house.send("ops", "POST", APPROVE)).json() == first, "no body counts as {}"
    assert await stored(house) == before
    assert (await refused(house, APPROVE, {"valid_from": later(3)}))[:2] == (409, "conflict")


# --- what was planned -----------------------------------------------------------------------------------------------


async def test_what_was_planned_for_later_gives_way_to_the_later_decision(house: House) -> None:
    await move(house, OTHER, 10)
    await move(house, "dept-water", 20)
    await move(house, STREET, 5)
    assert await rows(house) == [(DEPARTMENT, ALWAYS, START + 5 * DAY), (STREET, START + 5 * DAY, None)]
    taken = (await events_of(house, "approved"))[-1]["data"]["taken_back"]
    assert [(each["lead_unit"], each["valid_from"], each["valid_to"]) for each in taken] == [
        (OTHER, "2026-12-03T01:00:00Z", "2026-12-13T01:00:00Z"),
        ("dept-water", "2026-12-13T01:00:00Z", None),
    ]
    await move(house, OTHER, 10)  # a day that was planned once is free again
    assert await lead(house, at=later(10)) == [OTHER]


async def test_a_plan_may_follow_a_plan(house: House) -> None:
    await move(house, OTHER, 5)
    await move(house, STREET, 10)
    assert await rows(house) == [
        (DEPARTMENT, ALWAYS, START + 5 * DAY),
        (OTHER, START + 5 * DAY, START + 10 * DAY),
        (STREET, START + 10 * DAY, None),
    ]


@pytest.mark.parametrize("days", [0, 5])
async def test_of_two_for_one_instant_the_later_decision_counts(house: House, days: int) -> None:
    for unit in (OTHER, "dept-water", STREET):
        await move(house, unit, days)
    begins = START + days * DAY
    assert await rows(house) == [(DEPARTMENT, ALWAYS, begins), (STREET, begins, None)]


async def test_a_duty_that_has_an_end_already_keeps_it_when_the_next_begins_after(house: House) -> None:
    await move(house, OTHER, 0, valid_to=later(3))
    await move(house, STREET, 5)
    assert await lead(house, at=later(4)) == []
    await move(house, "dept-water", 2)
    assert await rows(house) == [
        (DEPARTMENT, ALWAYS, START),
        (OTHER, START, START + 2 * DAY),
        ("dept-water", START + 2 * DAY, None),
    ]
