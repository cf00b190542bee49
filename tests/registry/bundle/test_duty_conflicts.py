"""One category in one area has one lead at a time: a duty that would silently do nothing is refused, at every door."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from service.registry.bundle import changes, duty_conflicts
from service.registry.bundle.parse import Bundle
from service.registry.bundle.rows import DutyRow
from service.rules import world as worlds
from service.rules.world import Duty, Validity
from tests.house import DEPARTMENT, START, STREET, House
from tests.registry.admissions import (
    DUTIES,
    OTHER,
    approve,
    duty,
    faults,
    imported,
    in_file,
    later,
    lead,
    propose,
    refused,
    together,
)
from tests.registry.bundle.test_changes import carry_out
from tests.registry.bundles import DAY, NOW

pytestmark = pytest.mark.anyio

TAKEN = {"code": "NEW", "category": "urban-01"}
"""What EX-001 says already, under another code."""
FREE = {"code": "OLD", "category": "urban-0110"}


# --- proposed and admitted ------------------------------------------------------------------------------------------


async def test_what_another_code_says_already_is_not_proposed_and_the_other_is_named(house: House) -> None:
    assert await refused(house, DUTIES, duty(**TAKEN)) == (422, "validation_failed", ["/category"])
    detail = (await house.send("ops", "POST", DUTIES, duty(**TAKEN))).json()["errors"][0]["detail"]
    assert detail == (
        f"urban-01 in 440105 is {DEPARTMENT}'s by duty EX-001 from 2020-09-01T00:00:00+08:00 on: make the change under "
        "code EX-001, or end EX-001 first, or name a more specific category or area"
    )
    ways = [{"code": "EX-001"}, {"area": STREET}, {"category": "urban-0110"}, {"lead_unit": DEPARTMENT}]
    for number, way in enumerate(ways):
        await propose(house, **{**TAKEN, "code": f"W-{number}", **way})


async def test_what_ends_first_leaves_room_for_another_from_then_on(house: House) -> None:
    await imported(house, in_file("dept-water", until="2026-11-28", **FREE))
    assert (await refused(house, DUTIES, duty(**{**FREE, "code": "NEW"}, valid_to="2026-11-27")))[2] == ["/category"]
    await propose(house, **{**FREE, "code": "NEW"})
    path = f"{DUTIES}/NEW/approve"
    for early in ({}, {"valid_from": "2026-11-27T23:59:59+08:00"}):
        assert await refused(house, path, early) == (422, "validation_failed", [""])
        detail = (await house.send("ops", "POST", path, early)).json()["detail"]
        assert "duty OLD from 2026-11-23T09:00:00+08:00 until 2026-11-28T00:00:00+08:00" in detail
    await approve(house, "NEW", valid_from="2026-11-28T00:00:00+08:00")
    assert (await lead(house, "NEW", later(5)), await lead(house, "OLD", later(5))) == ([OTHER], [])


async def test_of_two_proposals_of_one_thing_the_first_that_is_admitted_counts(house: House) -> None:
    await propose(house, code="A")
    await propose(house, "street", code="B", lead_unit="dept-water")
    await approve(house, "B", valid_from=later(3))
    assert await refused(house, f"{DUTIES}/A/approve", {}) == (422, "validation_failed", [""])
    await propose(house, code="A", valid_to=later(3))  # until then nobody has it
    await approve(house, "A")


# --- imported -------------------------------------------------------------------------------------------------------


async def test_what_another_code_says_already_is_not_imported(house: House) -> None:
    [fault] = await faults(house, in_file(OTHER, **TAKEN))
    assert fault.startswith(f"duties.csv:2: urban-01 in 440105 is {DEPARTMENT}'s by duty EX-001 from")
    assert (await imported(house, in_file(DEPARTMENT, **TAKEN)))["added"] == 1, "the same lead is no harm"


async def test_two_rows_of_one_file_that_say_it_differently_are_both_told(house: House) -> None:
    one, other = in_file(OTHER, **{**FREE, "code": "A"}), in_file("dept-water", **{**FREE, "code": "B"})
    assert [fault[:13] for fault in await faults(house, one, other)] == ["duties.csv:2:", "duties.csv:3:"]
    following = in_file("dept-water", "2026-12-01", **{**FREE, "code": "B"})
    until_then = in_file(OTHER, until="2026-12-01", **{**FREE, "code": "A"})
    assert (await imported(house, together(until_then, following)))["added"] == 2


async def test_what_a_file_itself_moves_out_of_the_way_is_in_nobodys(house: House) -> None:
    moved, new = in_file(DEPARTMENT, category="urban-0110"), in_file(OTHER, **TAKEN)
    assert (await imported(house, together(new, moved)))["changed"] == 1
    assert (await lead(house), await lead(house, "NEW")) == ([DEPARTMENT], [OTHER])
    swapped = together(in_file(DEPARTMENT), in_file(OTHER, **{**TAKEN, "category": "urban-0110"}))
    assert (await imported(house, swapped))["changed"] == 2
    ends, begins = in_file(DEPARTMENT, until="2026-12-01"), in_file(OTHER, "2026-12-01", **TAKEN)
    assert len(await faults(house, ends, in_file(OTHER, "2026-11-30", **TAKEN))) == 1
    assert (await imported(house, together(ends, begins)))["changed"] == 1


async def test_a_row_that_is_only_prolonged_may_run_into_another(house: House) -> None:
    old, new = {**FREE, "code": "A"}, {**FREE, "code": "B"}
    await imported(house, together(in_file(OTHER, until="2026-12-01", **old), in_file(STREET, "2026-12-01", **new)))
    assert "duty B from 2026-12-01" in (await faults(house, in_file(OTHER, until="2026-12-02", **old)))[0]
    assert (await imported(house, in_file(OTHER, until="2026-11-30", **old)))["closed"] == 1


async def test_what_came_in_before_this_was_refused_keeps_nothing_else_out(house: House) -> None:
    columns = "title, category, area, lead_unit, assisting, basis, valid_from"
    async with house.process.database.begin() as tx:
        await tx.execute(
            text(
                f"INSERT INTO duty (code, {columns}) SELECT 'Z', title, category, area, '{OTHER}', assisting, '依据', "
                "valid_from FROM duty WHERE code = 'EX-001'"
            )
        )
    double = in_file(OTHER, code="Z")
    assert (await imported(house, together(double, in_file(OTHER, **FREE))))["unchanged"] == 1
    assert (await imported(house, in_file(OTHER, code="Z", until="2026-11-24")))["closed"] == 1


_days = st.integers(0, 4).map(lambda days: NOW + days * DAY)
_rows = st.builds(
    DutyRow,
    code=st.sampled_from("abc"),
    title=st.just("t"),
    category=st.sampled_from("uv"),
    area=st.just("440402"),
    lead_unit=st.sampled_from("xy"),
    valid_from=st.none() | _days,
    valid_to=st.none() | _days,
)


@given(st.lists(st.lists(_rows, max_size=3, unique_by=lambda row: row.code), max_size=4))
def test_whatever_was_imported_one_thing_never_has_two_leads(imports: list[list[DutyRow]]) -> None:
    stored: list[dict[str, Any]] = []
    for rows in imports:
        numbered = tuple(enumerate(rows, 2))
        newest = {row["code"]: row for row in stored}
        columns = [(number, row.model_dump()) for number, row in numbered]
        made = changes.plan_of("duties.csv", columns, newest, NOW, past_is_settled=bool(stored))
        world = worlds.build(1, duties=[_duty(row) for row in stored])
        if not made.faults and not list(duty_conflicts.in_bundle(Bundle(duties=numbered), made, world)):
            stored = carry_out(stored, made)
    for day in range(6):
        in_force = [row for row in stored if _duty(row).validity.in_force_at(NOW + day * DAY)]
        leads = {(row["category"], row["lead_unit"]) for row in in_force}
        assert len(leads) == len({category for category, _ in leads})


def _duty(row: dict[str, Any]) -> Duty:
    validity = Validity(row["valid_from"], row["valid_to"])
    return Duty(row["code"], row["title"], row["category"], row["area"], row["lead_unit"], validity)


# --- looked up ------------------------------------------------------------------------------------------------------


async def responsible(house: House, **query: str) -> dict[str, bool | None]:
    listed = (await house.get("worker", DUTIES, limit=500, **query))["items"]
    return {each["code"]: each.get("responsible") for each in listed}


async def test_of_all_duties_that_bear_on_it_the_one_that_counts_is_marked(house: House) -> None:
    place: dict[str, Any] = {"category": "urban-0301", "area": "440105015001"}
    assert await responsible(house, **place) == {"EX-003": False, "EX-017": True}
    assert await responsible(house, **{**place, "area": "440105"}) == {"EX-003": True, "EX-017": False}
    assert await responsible(house, **{**place, "area": "440105003"}) == {"EX-003": True}
    begins = datetime.fromisoformat("2020-09-01T00:00:00+08:00")
    assert await responsible(house, **place, at=(begins - DAY).isoformat()) == {}
    await imported(house, in_file(OTHER, code="N", category="urban-0301"))
    assert await responsible(house, **place) == {"EX-003": False, "EX-017": False, "N": True}
    assert (await responsible(house, **place, at=(START - DAY).isoformat()))["EX-017"] is True
    for half in ({"category": "urban-0301"}, {"area": "440105"}, {}):
        assert set((await responsible(house, **half)).values()) == {None}


async def test_it_is_marked_on_whatever_page_it_stands(house: House) -> None:
    query: dict[str, Any] = {"category": "urban-0301", "area": "440105015001", "limit": 1}
    first = await house.get("worker", DUTIES, **query)
    second = await house.get("worker", DUTIES, **query, cursor=first["next_cursor"])
    assert [each["responsible"] for each in first["items"] + second["items"]] == [False, True]
