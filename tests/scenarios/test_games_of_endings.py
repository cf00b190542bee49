"""Ways to end an incident without the work, each played with legal requests beside an honest twin that has the same
reports. Where nothing else is said nothing is ever done, and the twin says so in time.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import House
from tests.scenarios.deeds import answer_and_leave, do, leave, resolve
from tests.scenarios.tables import compare

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 24 * 3600
BOX = 4 * HOUR
"""The answer box of levels 1 and 2 for what is not urgent."""


async def _three_due_in_two_seconds(house: House) -> list[Any]:
    three = [await leave(house, "community", await house.report()) for _ in range(3)]
    await house.advance(seconds=BOX - 2)
    return three


async def test_three_are_not_hidden_in_a_dummy(house: House, twin: House) -> None:
    """They are due at the street in two seconds. Its own dummy takes nothing in, nor does a stranger's report."""
    three = await _three_due_in_two_seconds(house)
    dummy, other = [await leave(house, "community", await house.report(who)) for who in ("street", "colleague")]
    for into, status in ((dummy, 403), (other, 409)):
        for each in three:
            assert (await house.refused("street", each, "merge", into=into["id"], reason="同一件"))["status"] == status
    await resolve(house, "street", dummy)
    assert (await house.refused("street", three[0], "merge", into=dummy["id"], reason="同一件"))["status"] == 403
    await answer_and_leave(house, "street", other)
    await house.advance(seconds=2)

    await answer_and_leave(twin, "street", *[await leave(twin, "community", await twin.report()) for _ in range(3)])
    await twin.advance(seconds=BOX - 2)
    dummy, other = [await leave(twin, "community", await twin.report(who)) for who in ("street", "colleague")]
    await resolve(twin, "street", dummy)
    await answer_and_leave(twin, "street", other)
    await compare(
        house,
        twin,
        """
        street           | game             | honest           | by hand
        score            | 25               | 100              | 30 × 1/4 / 30
        part answered    | 1/4 a2 b2 c2 e2  | 4/4 a2 b2 c2 e2  |
        rate answered    | 1/4              | 4/4              |
        calls            | 5 a2 b2 c2 d2 e2 | 5 a2 b2 c2 d2 e2 |
        answered         | 2 d2 e2          | 5 a2 b2 c2 d2 e2 |
        answered_in_time | 2 d2 e2          | 5 a2 b2 c2 d2 e2 |
        resolved         | 1 d2             | 1 d2             |
        pending          | 1 d2             | 1 d2             |
        self_reported    | 1 d2             | 1 d2             |
        missed           | 3 a2 b2 c2       | -                |
        missed_answer    | 3 a2 b2 c2       | -                |
        raised           | 1 e2             | 4 a2 b2 c2 e2    |
        """,
    )


async def test_a_street_that_merges_for_its_community_gains_no_time(house: House, twin: House) -> None:
    """Three are due at the community in two seconds, and the street, whose call they are not, merges them into a new
    one. They count as one, as the same matter does, and that one is due in two seconds: a merge saves two misses of
    three, and leaves nothing to gain on whoever answers."""
    three = [await house.report() for _ in range(3)]
    await house.advance(seconds=BOX - 2)
    new = await house.report("colleague")
    for each in three:
        await house.act("street", each, "merge", into=new["id"], reason="同一件")
    await house.advance(seconds=2)

    three = [await twin.report() for _ in range(3)]
    await answer_and_leave(twin, "community", *three)
    await twin.advance(seconds=BOX - 2)
    await answer_and_leave(twin, "community", await twin.report("colleague"))
    await compare(
        house,
        twin,
        """
        community        | game          | honest          | by hand
        score            | 0             | 100             | 30 × 0/1 / 30
        part answered    | 0/1 d1        | 4/4 a1 b1 c1 d1 |
        rate answered    | 0/1           | 4/4             |
        calls            | 4 a1 b1 c1 d1 | 4 a1 b1 c1 d1   |
        answered         | -             | 4 a1 b1 c1 d1   |
        answered_in_time | -             | 4 a1 b1 c1 d1   |
        closed           | 3 a1 b1 c1    | -               |
        merged           | 3 a1 b1 c1    | -               |
        missed           | 1 d1          | -               |
        missed_answer    | 1 d1          | -               |
        raised           | -             | 4 a1 b1 c1 d1   |
        """,
    )


async def test_a_void_is_shown_and_costs_late(house: House, twin: House) -> None:
    """Beside one that both do, it voids two: one at once, which it was wrong about, and one at the last second. The
    street may not bury what came back. To void at once costs nothing and gains nothing on whoever raises at once."""
    await do(house, "community", await house.report())
    early, late = await house.report(), await house.report()
    void = {"reason_code": "not_an_incident", "reason": "不是问题"}
    await house.act("community", early, "void", **void)
    await house.act("worker", early, "reopen", reason="就是问题")
    assert (await house.refused("street", early, "void", **void))["status"] == 409
    await do(house, "street", early)
    await house.advance(seconds=BOX - 1)
    await house.act("community", late, "void", **void)

    await do(twin, "community", await twin.report())
    await answer_and_leave(twin, "community", await twin.report(), await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game       | honest         | by hand
        score            | 85.71      | 100            | (30 × 1/1.5 + 40 × 1/1) / 70
        part answered    | 1/1.5 a1   | 3/3 a1 b1 c1   |
        part resolved    | 1/1 a1     | 1/1 a1         |
        rate answered    | 1/1        | 3/3            |
        rate resolved    | 1/1        | 1/1            |
        calls            | 3 a1 b1 c1 | 3 a1 b1 c1     |
        answered         | 1 a1       | 3 a1 b1 c1     |
        answered_in_time | 1 a1       | 3 a1 b1 c1     |
        resolved         | 1 a1       | 1 a1           |
        resolved_in_time | 1 a1       | 1 a1           |
        raised           | -          | 2 b1 c1        |
        closed           | 2 b1 c1    | -              |
        voided           | 2 b1 c1    | -              |
        voided_in_error  | 1 b1       | -              |
        late_exit        | 1 c1       | -              |
        late_exit_answer | 1 c1       | -              |
        """,
    )
