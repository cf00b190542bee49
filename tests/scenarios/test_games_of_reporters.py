"""What reporters do for a unit or against it, and what a unit does with words: each played with legal requests beside a
month in which all are honest. Where nothing else is said nothing is ever done, and the twin says so in time.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import House
from tests.scenarios.deeds import answer, answer_and_leave, do
from tests.scenarios.tables import compare

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 24 * 3600
BOX, RESOLVE_BOX = 4 * HOUR, DAY
"""The boxes of level 1 for what is not urgent."""
DEPARTMENTS = ("dept-police", "dept-fire", "dept-transport")


async def test_a_friendly_withdrawal_gains_nothing(house: House, twin: House) -> None:
    """It is done after five hours. A friend withdraws a second before the answer is due, and reports it again: a new
    box, as the contract has it, in which the community does what it would have done anyhow. The withdrawal is shown."""
    first = await house.report()
    await house.advance(seconds=BOX - 1)
    await house.act("worker", first, "withdraw", reason="报错了")
    again = await house.report()
    await house.advance(seconds=HOUR + 1)
    await do(house, "community", again)

    incident = await twin.report()
    await answer(twin, "community", incident)
    await twin.advance(seconds=5 * HOUR)
    await do(twin, "community", incident)
    await compare(
        house,
        twin,
        """
        community        | game    | honest | by hand
        score            | 100     | 100    | (30 × 1/1 + 40 × 1/1) / 70
        part answered    | 1/1 b1  | 1/1 a1 |
        part resolved    | 1/1 b1  | 1/1 a1 |
        rate answered    | 1/1     | 1/1    |
        rate resolved    | 1/1     | 1/1    |
        calls            | 2 a1 b1 | 1 a1   |
        answered         | 1 b1    | 1 a1   |
        answered_in_time | 1 b1    | 1 a1   |
        resolved         | 1 b1    | 1 a1   |
        resolved_in_time | 1 b1    | 1 a1   |
        closed           | 1 a1    | -      |
        withdrawn_late   | 1 a1    | -      |
        """,
    )


async def test_a_withdrawal_leaves_the_answer_that_was_given(house: House, twin: House) -> None:
    """It is done after 23 hours. A reporter withdraws it a second before: the unit keeps its answer, and its score."""
    for each in (house, twin):
        incident = await each.report()
        await answer(each, "community", incident)
        await each.advance(seconds=23 * HOUR - 1)
    await house.act("worker", await _only(house), "withdraw", reason="不报了")
    await twin.advance(seconds=1)
    await do(twin, "community", await _only(twin))
    await compare(
        house,
        twin,
        """
        community        | game   | honest | by hand
        score            | 100    | 100    | 30 × 1/1 / 30
        part answered    | 1/1 a1 | 1/1 a1 |
        part resolved    | -      | 1/1 a1 |
        rate answered    | 1/1    | 1/1    |
        rate resolved    | -      | 1/1    |
        calls            | 1 a1   | 1 a1   |
        answered         | 1 a1   | 1 a1   |
        answered_in_time | 1 a1   | 1 a1   |
        resolved         | -      | 1 a1   |
        resolved_in_time | -      | 1 a1   |
        closed           | 1 a1   | -      |
        withdrawn_late   | 1 a1   | -      |
        """,
    )


async def _only(house: House) -> Any:
    return (await house.get("auditor", "/v1/incidents"))["items"][0]


async def test_an_appeal_is_no_matter_among_friends(house: House, twin: House) -> None:
    """The street, whose figures profit, grants none; ops refuse the first, and for the second it is too late."""
    first, second = [await house.report() for _ in range(2)]
    await house.advance(seconds=BOX)
    await house.act("community", first, "appeal", call=1, reason="断网")
    assert (await house.refused("street", first, "appeals/1/approve"))["status"] == 403
    await house.act("ops", first, "appeals/1/refuse", reason="当天正常")
    await house.advance(to="2026-12-20T09:00:00+08:00")
    assert (await house.refused("community", second, "appeal", call=1, reason="断网"))["status"] == 409
    await answer_and_leave(twin, "community", await twin.report(), await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game      | honest    | by hand
        score            | 0         | 100       | 30 × 0/2 / 30
        part answered    | 0/2 a1 b1 | 2/2 a1 b1 |
        rate answered    | 0/2       | 2/2       |
        calls            | 2 a1 b1   | 2 a1 b1   |
        answered         | -         | 2 a1 b1   |
        answered_in_time | -         | 2 a1 b1   |
        missed           | 2 a1 b1   | -         |
        missed_answer    | 2 a1 b1   | -         |
        raised           | -         | 2 a1 b1   |
        """,
    )


async def test_a_burst_pipe_is_no_deliberation(house: House, twin: House) -> None:
    """A unit's own report is chased whatever it calls it. A miss of its own report is shown, and not scored."""
    for each in (house, twin):
        await do(each, "community", await each.report())
        pipe = await each.report("community", category="order-02", kind="deliberation")
        assert (pipe["kind"], pipe["state"]) == ("incident", "calling")
    await house.advance(seconds=BOX)
    await answer_and_leave(twin, "community", pipe)
    await compare(
        house,
        twin,
        """
        community        | game    | honest  | by hand
        score            | 100     | 100     | (30 × 1/1 + 40 × 1/1) / 70
        part answered    | 1/1 a1  | 1/1 a1  |
        part resolved    | 1/1 a1  | 1/1 a1  |
        rate answered    | 1/1     | 1/1     |
        rate resolved    | 1/1     | 1/1     |
        calls            | 2 a1 b1 | 2 a1 b1 |
        answered         | 1 a1    | 2 a1 b1 |
        answered_in_time | 1 a1    | 2 a1 b1 |
        resolved         | 1 a1    | 1 a1    |
        resolved_in_time | 1 a1    | 1 a1    |
        self_reported    | 1 b1    | 1 b1    |
        missed           | 1 b1    | -       |
        missed_answer    | 1 b1    | -       |
        raised           | -       | 1 b1    |
        """,
    )


async def test_a_crowd_of_departments_does_no_work(house: House, twin: House) -> None:
    """The community may attach none of them and sits there; its twin raises it and names them at once."""
    incident = await house.report()
    await answer(house, "community", incident)
    problem = await house.refused("community", incident, "assist", units=list(DEPARTMENTS), reason="都来")
    assert problem["status"] == 422
    await house.advance(seconds=RESOLVE_BOX)
    incident = await twin.report()
    await answer(twin, "community", incident)
    whistle = {"ground": "joint_action", "reason": "联合整治", "units": list(DEPARTMENTS)}
    raised = await twin.act("community", incident, "raise", **whistle)
    assert [each["unit"] for each in raised["calls"][1]["assisting"]] == list(DEPARTMENTS)
    await compare(
        house,
        twin,
        """
        community        | game   | honest | by hand
        score            | 42.86  | 100    | (30 × 1/1 + 40 × 0/1) / 70
        part answered    | 1/1 a1 | 1/1 a1 |
        part resolved    | 0/1 a1 | -      |
        rate answered    | 1/1    | 1/1    |
        rate resolved    | 0/1    | -      |
        calls            | 1 a1   | 1 a1   |
        answered         | 1 a1   | 1 a1   |
        answered_in_time | 1 a1   | 1 a1   |
        missed           | 1 a1   | -      |
        missed_resolve   | 1 a1   | -      |
        raised           | -      | 1 a1   |
        """,
    )


async def test_words_without_end_are_no_answer(house: House, twin: House) -> None:
    """Sixty comments an hour, and none of them stops the clock; nor do as many urges of its street."""
    incident = await house.report()
    for who, verb, field in (("community", "comment", "text"), ("street", "urge", "message")):
        for _ in range(60):
            await house.act(who, incident, verb, **{field: "在办"})
        assert (await house.refused(who, incident, verb, **{field: "在办"}))["status"] == 429
    assert (await house.get("ops", f"/v1/incidents/{incident['id']}"))["due_at"] == incident["due_at"]
    await house.advance(seconds=BOX)
    await answer_and_leave(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game   | honest | by hand
        score            | 0      | 100    | 30 × 0/1 / 30
        part answered    | 0/1 a1 | 1/1 a1 |
        rate answered    | 0/1    | 1/1    |
        calls            | 1 a1   | 1 a1   |
        answered         | -      | 1 a1   |
        answered_in_time | -      | 1 a1   |
        missed           | 1 a1   | -      |
        missed_answer    | 1 a1   | -      |
        raised           | -      | 1 a1   |
        """,
    )
