"""Ways to get rid of a call, each played with legal requests beside an honest twin that has the same reports: passing
on, merging, voiding and waiting. Where nothing else is said nothing is ever done, and the twin says so in time.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import COMMUNITY, STREET, House
from tests.scenarios.deeds import answer, answer_and_leave, do, leave
from tests.scenarios.figures import fair, scores
from tests.scenarios.tables import TEAM, compare

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 24 * 3600
BOX, RESOLVE_BOX = 4 * HOUR, DAY
"""The boxes of level 1 for what is not urgent; a street has as long to answer, a department a day."""


async def _at_the_street(house: House, reporter: str = "worker") -> Any:
    return await leave(house, "community", await house.report(reporter))


async def _at_the_department(house: House) -> Any:
    return await leave(house, "street", await _at_the_street(house))


async def test_to_answer_and_leave_at_the_last_second_costs_half(house: House, twin: House) -> None:
    incident = await house.report()
    await answer(house, "community", incident)
    await house.advance(seconds=RESOLVE_BOX - 1)
    await leave(house, "community", incident)
    await answer_and_leave(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community         | game   | honest | by hand
        score             | 42.86  | 100    | (30 × 1/1 + 40 × 0/0.5) / 70
        part answered     | 1/1 a1 | 1/1 a1 |
        part resolved     | 0/0.5  | -      |
        rate answered     | 1/1    | 1/1    |
        calls             | 1 a1   | 1 a1   |
        answered          | 1 a1   | 1 a1   |
        answered_in_time  | 1 a1   | 1 a1   |
        raised            | 1 a1   | 1 a1   |
        late_exit         | 1 a1   | -      |
        late_exit_resolve | 1 a1   | -      |
        """,
    )


async def test_to_let_the_clock_run_out_costs_more(house: House, twin: House) -> None:
    """Worse than to leave late, so whoever is late still gains by acting: beside one done by both, each misses one."""
    for each in (house, twin):
        await do(each, "community", await each.report())
        await answer(each, "community", last := await each.report())
    await house.advance(seconds=RESOLVE_BOX)
    await twin.advance(seconds=RESOLVE_BOX - 1)
    await leave(twin, "community", last)
    await compare(
        house,
        twin,
        """
        community         | missed    | left late | by hand
        score             | 71.43     | 80.95     | (30 × 2/2 + 40 × 1/2) / 70, (30 × 2/2 + 40 × 1/1.5) / 70
        part answered     | 2/2 a1 b1 | 2/2 a1 b1 |
        part resolved     | 1/2 a1 b1 | 1/1.5 a1  |
        rate answered     | 2/2       | 2/2       |
        rate resolved     | 1/2       | 1/1       |
        calls             | 2 a1 b1   | 2 a1 b1   |
        answered          | 2 a1 b1   | 2 a1 b1   |
        answered_in_time  | 2 a1 b1   | 2 a1 b1   |
        resolved          | 1 a1      | 1 a1      |
        resolved_in_time  | 1 a1      | 1 a1      |
        missed            | 1 b1      | -         |
        missed_resolve    | 1 b1      | -         |
        raised            | -         | 1 b1      |
        late_exit         | -         | 1 b1      |
        late_exit_resolve | -         | 1 b1      |
        """,
    )


async def test_an_emergency_at_the_last_second_gains_nothing(house: House, twin: House) -> None:
    """Until the street answers it is a late exit, and then none: the community has what it would have had at once."""
    incident = await house.report()
    await answer(house, "community", incident)
    await house.advance(seconds=RESOLVE_BOX - 1)
    await leave(house, "community", incident, "emergency")
    assert ((await fair(house))[COMMUNITY]["late_exit"], (await scores(house))[COMMUNITY]) == (1, 42.86)
    await answer(house, "street", incident)
    await answer_and_leave(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game   | honest | by hand
        score            | 100    | 100    | 30 × 1/1 / 30
        part answered    | 1/1 a1 | 1/1 a1 |
        rate answered    | 1/1    | 1/1    |
        calls            | 1 a1   | 1 a1   |
        answered         | 1 a1   | 1 a1   |
        answered_in_time | 1 a1   | 1 a1   |
        raised           | 1 a1   | 1 a1   |
        """,
    )


async def test_to_sit_the_answer_box_out_costs_half_a_miss(house: House, twin: House) -> None:
    incident = await house.report()
    await house.advance(seconds=BOX - 1)
    await leave(house, "community", incident)
    await answer_and_leave(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game  | honest | by hand
        score            | 0     | 100    | 30 × 0/0.5 / 30
        part answered    | 0/0.5 | 1/1 a1 |
        rate answered    | -     | 1/1    |
        calls            | 1 a1  | 1 a1   |
        answered         | -     | 1 a1   |
        answered_in_time | -     | 1 a1   |
        raised           | 1 a1  | 1 a1   |
        late_exit        | 1 a1  | -      |
        late_exit_answer | 1 a1  | -      |
        """,
    )


async def test_to_return_at_the_last_second_costs_the_same(house: House, twin: House) -> None:
    """The department does one, and returns one that is not its duty: the twin at once."""
    for each, waits in ((house, DAY - 1), (twin, 0)):
        await do(each, "department", await _at_the_department(each))
        incident = await _at_the_department(each)
        await each.advance(seconds=waits)
        await each.act("department", incident, "return", reason_code="not_our_duty", reason="不归我局")
    await compare(
        house,
        twin,
        """
        department       | game      | honest  | by hand
        score            | 85.71     | 100     | (30 × 1/1.5 + 40 × 1/1) / 70
        part answered    | 1/1.5 a3  | 1/1 a3  |
        part resolved    | 1/1 a3    | 1/1 a3  |
        rate answered    | 1/1       | 1/1     |
        rate resolved    | 1/1       | 1/1     |
        calls            | 2 a3 b3   | 2 a3 b3 |
        answered         | 1 a3      | 1 a3    |
        answered_in_time | 1 a3      | 1 a3    |
        resolved         | 1 a3      | 1 a3    |
        resolved_in_time | 1 a3      | 1 a3    |
        returned         | 1 b3      | 1 b3    |
        late_exit        | 1 b3      | -       |
        late_exit_answer | 1 b3      | -       |
        """,
    )


async def test_to_assign_to_nobody_gets_rid_of_nothing(house: House, twin: House) -> None:
    """首接负责: the street answers for a team that has nobody to read."""
    incident = await _at_the_street(house)
    await house.act("street", incident, "assign", unit=TEAM, reason="由执法队办理")
    await house.advance(seconds=BOX)
    missed = (await house.get("street", f"/v1/incidents/{incident['id']}"))["calls"][2]
    assert missed["accountable"] == {"unit": STREET, "seq": 2}
    await answer_and_leave(twin, "street", await _at_the_street(twin))
    await compare(
        house,
        twin,
        """
        street           | game | honest | by hand
        score            | 0    | 100    | 30 × 0/1 / 30
        part answered    | 0/1  | 1/1 a2 |
        rate answered    | 0/1  | 1/1    |
        calls            | 1 a2 | 1 a2   |
        answered         | -    | 1 a2   |
        answered_in_time | -    | 1 a2   |
        assigned         | 1 a2 | -      |
        raised           | -    | 1 a2   |
        accountable      | 1 a3 | -      |
        team             | game | honest | not scored
        calls            | 1 a3 | -      |
        missed           | 1 a3 | -      |
        missed_answer    | 1 a3 | -      |
        """,
    )


async def test_a_year_on_hold_is_no_way_out(house: House, twin: House) -> None:
    """Its own street would let it wait for a year, and may for 29 days; the box that is left runs out all the same."""
    incident = await house.report()
    await answer(house, "community", incident)
    await house.act("community", incident, "hold", until="2027-11-22T09:00:00+08:00", reason="等许可")
    assert (await house.refused("street", incident, "requests/1/approve"))["status"] == 403
    await house.act("ops", incident, "requests/1/refuse", reason="不同意")
    await house.act("community", incident, "hold", until="2026-12-22T09:00:00+08:00", reason="等许可")
    await house.act("street", incident, "requests/2/approve")
    await house.advance(to="2026-12-22T09:00:00+08:00")
    await house.act("community", incident, "hold", until="2026-12-24T09:00:00+08:00", reason="等许可")
    assert (await house.refused("street", incident, "requests/3/approve"))["status"] == 403, "over 30 days in all"
    await house.advance(seconds=RESOLVE_BOX)
    await answer_and_leave(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game       | honest | by hand
        score            | 42.86      | 100    | (30 × 1/1 + 40 × 0/1) / 70
        part answered    | 1/1 a1     | 1/1 a1 |
        part resolved    | 0/1 a1     | -      |
        rate answered    | 1/1        | 1/1    |
        rate resolved    | 0/1        | -      |
        calls            | 1 a1       | 1 a1   |
        answered         | 1 a1       | 1 a1   |
        answered_in_time | 1 a1       | 1 a1   |
        raised           | -          | 1 a1   |
        missed           | 1 a1       | -      |
        missed_resolve   | 1 a1       | -      |
        holds            | 1 a1       | -      |
        held_s           | 2505600 a1 | -      | 29 days × 86,400 s
        """,
    )
