"""Ways to look better than the work was, each played with legal requests beside an honest twin: those that are about
who says that it is done. What a twin cannot do it answers, and raises long before the late mark.
"""

from __future__ import annotations

import pytest

from tests.house import House
from tests.scenarios.deeds import accept, answer, answer_and_leave, do, leave, reject, resolve
from tests.scenarios.tables import compare

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 24 * 3600
BOX = 4 * HOUR
"""The answer box of levels 1 and 2 for what is not urgent; the resolve box of level 1 is a day."""
VERIFY_BOX = 3 * DAY
FIRM, ACCUSED = "440105003001-property", "urban-0128"
"""A property firm that answers for rubbish, and a category for which it does not."""


async def test_to_resolve_falsely_twice_is_worth_nothing(house: House, twin: House) -> None:
    """Nothing is ever done, and the reporter looks."""
    incident = await house.report()
    for _ in range(2):
        await resolve(house, "community", incident)
        await reject(house, "worker", incident)
    await answer_and_leave(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game      | honest | by hand
        score            | 42.86     | 100    | (30 × 2/2 + 40 × 0/2) / 70
        part answered    | 2/2 a1 a2 | 1/1 a1 |
        part resolved    | 0/2 a1 a2 | -      |
        rate answered    | 2/2       | 1/1    |
        rate resolved    | 0/2       | -      |
        calls            | 2 a1 a2   | 1 a1   |
        answered         | 2 a1 a2   | 1 a1   |
        answered_in_time | 2 a1 a2   | 1 a1   |
        resolved         | 2 a1 a2   | -      |
        rejected         | 2 a1 a2   | -      |
        raised           | -         | 1 a1   |
        """,
    )


async def test_to_resolve_falsely_once_costs_half(house: House, twin: House) -> None:
    """It is done at once, by whoever does it; the one that plays does it when it is found out."""
    incident = await house.report()
    await resolve(house, "community", incident)
    await reject(house, "worker", incident)
    await do(house, "community", incident)
    await do(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game      | honest | by hand
        score            | 71.43     | 100    | (30 × 2/2 + 40 × 1/2) / 70
        part answered    | 2/2 a1 a2 | 1/1 a1 |
        part resolved    | 1/2 a1 a2 | 1/1 a1 |
        rate answered    | 2/2       | 1/1    |
        rate resolved    | 1/2       | 1/1    |
        calls            | 2 a1 a2   | 1 a1   |
        answered         | 2 a1 a2   | 1 a1   |
        answered_in_time | 2 a1 a2   | 1 a1   |
        resolved         | 2 a1 a2   | 1 a1   |
        resolved_in_time | 1 a2      | 1 a1   |
        rejected         | 1 a1      | -      |
        """,
    )


async def test_a_friendly_acceptance_falls_with_a_reopening(house: House, twin: House) -> None:
    """Nothing is ever done. The street may say otherwise in the second half of the reporter's time, and not before;
    what it said falls when the reporter looks. Where the reporter never looks it stands, by the words of the contract:
    `tests/rules/test_twins.py` has that among the games that still pay."""
    incident = await house.report()
    await resolve(house, "community", incident)
    assert (await house.refused("street", incident, "accept"))["status"] == 409, "its reporter looks first"
    await house.advance(seconds=VERIFY_BOX // 2)
    await accept(house, "street", incident)
    await house.act("worker", incident, "reopen", reason="根本没清")
    await answer_and_leave(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game    | honest | by hand
        score            | 42.86   | 100    | (30 × 1/1 + 40 × 0/1) / 70
        part answered    | 1/1 a1  | 1/1 a1 |
        part resolved    | 0/1 a1  | -      |
        rate answered    | 1/1     | 1/1    |
        rate resolved    | 0/1     | -      |
        calls            | 2 a1 a2 | 1 a1   |
        answered         | 1 a1    | 1 a1   |
        answered_in_time | 1 a1    | 1 a1   |
        resolved         | 1 a1    | -      |
        reopened         | 1 a1    | -      |
        open             | 1 a2    | -      |
        raised           | -       | 1 a1   |
        """,
    )


async def test_what_nobody_looks_at_counts_half(house: House, twin: House) -> None:
    """Nothing is ever done, and nobody looks: neither its reporter nor the street."""
    incident = await house.report()
    await resolve(house, "community", incident)
    await house.advance(seconds=VERIFY_BOX)
    await answer_and_leave(twin, "community", await twin.report())
    await compare(
        house,
        twin,
        """
        community        | game     | honest | by hand
        score            | 71.43    | 100    | (30 × 1/1 + 40 × 0.5/1) / 70
        part answered    | 1/1 a1   | 1/1 a1 |
        part resolved    | 0.5/1 a1 | -      |
        rate answered    | 1/1      | 1/1    |
        rate resolved    | 0/1      | -      |
        calls            | 1 a1     | 1 a1   |
        answered         | 1 a1     | 1 a1   |
        answered_in_time | 1 a1     | 1 a1   |
        resolved         | 1 a1     | -      |
        unverified       | 1 a1     | -      |
        raised           | -        | 1 a1   |
        """,
    )


async def test_reports_to_oneself_outweigh_nothing(house: House, twin: House) -> None:
    """Five of its own are done by both sides. The worker's is not, and the one that plays leaves it lying."""
    for each in (house, twin):
        for _ in range(5):
            await resolve(each, "community", await each.report("community"))
    await house.report()
    await answer_and_leave(twin, "community", await twin.report())
    for each in (house, twin):
        await each.advance(seconds=VERIFY_BOX)
    await compare(
        house,
        twin,
        """
        community        | game                | honest                 | by hand
        score            | 0                   | 100                    | 30 × 0/1 / 30
        part answered    | 0/1 f1              | 1/1 f1                 |
        rate answered    | 0/1                 | 1/1                    |
        calls            | 6 a1 b1 c1 d1 e1 f1 | 6 a1 b1 c1 d1 e1 f1    |
        answered         | 5 a1 b1 c1 d1 e1    | 6 a1 b1 c1 d1 e1 f1    |
        answered_in_time | 5 a1 b1 c1 d1 e1    | 6 a1 b1 c1 d1 e1 f1    |
        resolved         | 5 a1 b1 c1 d1 e1    | 5 a1 b1 c1 d1 e1       |
        unverified       | 5 a1 b1 c1 d1 e1    | 5 a1 b1 c1 d1 e1       |
        self_reported    | 5 a1 b1 c1 d1 e1    | 5 a1 b1 c1 d1 e1       |
        missed           | 1 f1                | -                      |
        missed_answer    | 1 f1                | -                      |
        raised           | -                   | 1 f1                   |
        """,
    )


async def test_what_it_misses_of_its_street_counts(house: House, twin: House) -> None:
    """Of its own reports a miss is shown and not scored, of its street's it is scored. Nothing is ever done."""
    reports = [[await each.report(who) for who in ("community", "street", "worker")] for each in (house, twin)]
    await answer_and_leave(house, "community", reports[0][2])
    await answer_and_leave(twin, "community", *reports[1])
    await house.advance(seconds=BOX)
    await compare(
        house,
        twin,
        """
        community        | game       | honest     | by hand
        score            | 50         | 100        | 30 × 1/2 / 30
        part answered    | 1/2 b1 c1  | 1/1 c1     |
        rate answered    | 1/2        | 1/1        |
        calls            | 3 a1 b1 c1 | 3 a1 b1 c1 |
        answered         | 1 c1       | 3 a1 b1 c1 |
        answered_in_time | 1 c1       | 3 a1 b1 c1 |
        missed           | 2 a1 b1    | -          |
        missed_answer    | 2 a1 b1    | -          |
        self_reported    | 2 a1 b1    | 2 a1 b1    |
        raised           | 1 c1       | 3 a1 b1 c1 |
        """,
    )


async def test_subordinates_neither_verify_nor_rate(house: House, twin: House) -> None:
    """Nothing is ever done. The community raises the worker's report and one of its own, and would see both done."""
    reports = [await house.report(), await house.report("community")]
    for incident in reports:
        await leave(house, "community", incident)
        await resolve(house, "street", incident)
    assert (await house.refused("community", reports[0], "accept"))["status"] == 403
    await accept(house, "community", reports[1])
    await house.act("community", reports[1], "rate", score=5)
    await house.advance(seconds=VERIFY_BOX - 1)
    assert (await house.refused("community", reports[0], "accept"))["status"] == 403, "nor later"
    await house.advance(seconds=1)
    for incident in (await twin.report(), await twin.report("community")):
        await leave(twin, "community", incident)
        await answer_and_leave(twin, "street", incident)
    await compare(
        house,
        twin,
        """
        street           | game     | honest  | by hand
        score            | 71.43    | 100     | (30 × 1/1 + 40 × 0.5/1) / 70
        part answered    | 1/1 a2   | 1/1 a2  |
        part resolved    | 0.5/1 a2 | -       |
        rate answered    | 1/1      | 1/1     |
        rate resolved    | 0/1      | -       |
        calls            | 2 a2 b2  | 2 a2 b2 |
        answered         | 2 a2 b2  | 2 a2 b2 |
        answered_in_time | 2 a2 b2  | 2 a2 b2 |
        resolved         | 2 a2 b2  | -       |
        resolved_in_time | 1 b2     | -       |
        unverified       | 1 a2     | -       |
        self_reported    | 1 b2     | 1 b2    |
        raised           | -        | 2 a2 b2 |
        """,
    )


async def test_a_partner_answers_and_the_work_is_missed(house: House, twin: House) -> None:
    """The firm answers what is its trade, and not what it is accused of. Nothing is ever done."""
    own, against = await house.report(), await house.report(category=ACCUSED)
    answered = await answer(house, FIRM, own)
    assert answered["calls"][0]["answered_by_member"]
    assert (await house.refused(FIRM, against, "answer", measure="已核实，不存在"))["status"] == 404
    await house.advance(seconds=DAY)
    await answer_and_leave(twin, "community", await twin.report(), await twin.report(category=ACCUSED))
    await compare(
        house,
        twin,
        """
        community          | game      | honest    | by hand
        score              | 21.43     | 100       | (30 × 1/2 + 40 × 0/1) / 70
        part answered      | 1/2 a1 b1 | 2/2 a1 b1 |
        part resolved      | 0/1 a1    | -         |
        rate answered      | 1/2       | 2/2       |
        rate resolved      | 0/1       | -         |
        calls              | 2 a1 b1   | 2 a1 b1   |
        answered           | 1 a1      | 2 a1 b1   |
        answered_in_time   | 1 a1      | 2 a1 b1   |
        answered_by_member | 1 a1      | -         |
        missed             | 2 a1 b1   | -         |
        missed_answer      | 1 b1      | -         |
        missed_resolve     | 1 a1      | -         |
        raised             | -         | 2 a1 b1   |
        """,
    )
