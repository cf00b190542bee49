"""Ways to look better than the work was, each played with legal requests, and what it is worth in the end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import COMMUNITY, DEPARTMENT, STREET, House
from tests.scenarios.figures import fair, figures, scores

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 24 * 3600
BOX = 4 * HOUR
"""The answer box of levels 1 and 2 for what is not urgent."""
RESOLVE_BOX = 24 * HOUR
"""The resolve box of level 1."""
TEAM = f"{STREET}-team-1"


async def _verified(house: House, unit: str = "community") -> None:
    """One call done as it should be, so that a share of the others is seen."""
    incident = await house.report()
    await house.act(unit, incident, "resolve", result="已清运")
    await house.act("worker", incident, "accept")


async def _score(house: House, unit: str = COMMUNITY) -> float | None:
    return (await scores(house))[unit]


async def test_to_resolve_falsely_twice_is_half_as_good(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "resolve", result="清了")
    await house.act("worker", incident, "reject", reason="没有清")
    await house.act("community", incident, "resolve", result="这回清了")
    await house.act("worker", incident, "accept")
    counted = {"calls": 2, "answered": 2, "answered_in_time": 2, "resolved": 2, "resolved_level_1": 2}
    assert (await figures(house))[COMMUNITY] == {**counted, "resolved_in_time": 1}
    assert (await fair(house))[COMMUNITY] == {"rejected": 1}
    # answered 2 of 2, resolved 1 of 2: (30 × 1 + 40 × 0.5) / 70
    assert await _score(house) == 71.43


async def test_an_acceptance_among_friends_falls_with_a_reopening(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "resolve", result="清了")
    assert (await house.refused("street", incident, "accept"))["status"] == 409, "its reporter looks first"
    await house.advance(seconds=2 * DAY)
    await house.act("street", incident, "accept")
    assert await _score(house) == 100.0
    await house.act("worker", incident, "reopen", reason="根本没清")
    assert (await fair(house))[COMMUNITY] == {"reopened": 1}
    # answered 1 of 1, resolved 0 of 1
    assert await _score(house) == 42.86


async def test_what_nobody_looks_at_counts_half(house: House) -> None:
    incident = await house.report()
    resolved = await house.act("community", incident, "resolve", result="清了")
    assert (await _score(house), (await fair(house))[COMMUNITY]) == (100.0, {"pending": 1}), "of answering alone"
    await house.advance(to=resolved["due_at"])
    assert (await figures(house))[COMMUNITY]["unverified"] == 1
    # answered 1 of 1, resolved 0.5 of 1: (30 × 1 + 40 × 0.5) / 70
    assert await _score(house) == 71.43


async def test_reports_to_oneself_are_worth_nothing(house: House) -> None:
    for _ in range(3):
        own = await house.report("community")
        await house.act("community", own, "resolve", result="清了")
    await house.advance(seconds=3 * DAY)
    assert (await fair(house))[COMMUNITY] == {"self_reported": 3}
    assert (await figures(house))[COMMUNITY]["unverified"] == 3
    assert await _score(house) is None
    await house.report("community")
    await house.advance(seconds=BOX)
    assert await _score(house) is None, "what it missed of its own reports is shown, and not scored"
    await house.report("street")
    await house.advance(seconds=BOX)
    assert await _score(house) == 0.0, "what it missed of its street's reports is"


@pytest.mark.parametrize(
    ("late", "score"),
    [
        (False, 100.0),  # both answered, the one to be resolved was
        (True, 80.95),  # answered 2 of 2, resolved 1 of 1.5: (30 + 40 ÷ 1.5) / 70
    ],
)
async def test_to_answer_and_leave_at_the_last_second_costs_half_a_miss(house: House, late: bool, score: float) -> None:
    await _verified(house)
    incident = await house.report()
    await house.act("community", incident, "answer", measure="今天处理")
    if late:
        await house.advance(seconds=RESOLVE_BOX - 1)
    await house.act("community", incident, "raise", ground="beyond_powers", reason="办不了")
    assert (await fair(house)).get(COMMUNITY, {}) == ({"late_exit": 1, "late_exit_resolve": 1} if late else {})
    assert await _score(house) == score


async def test_to_let_the_clock_run_out_costs_a_whole_miss(house: House) -> None:
    await _verified(house)
    incident = await house.report()
    await house.act("community", incident, "answer", measure="今天处理")
    await house.advance(seconds=RESOLVE_BOX)
    # answered 2 of 2, resolved 1 of 2: worse than to leave late, so whoever is late still gains by acting
    assert await _score(house) == 71.43


async def test_to_sit_the_answer_box_out_costs_half_a_miss(house: House) -> None:
    await _verified(house)
    incident = await house.report()
    await house.advance(seconds=BOX - 1)
    await house.act("community", incident, "raise", ground="other", reason="不归我们")
    assert (await fair(house))[COMMUNITY] == {"late_exit": 1, "late_exit_answer": 1}
    # answered 1 of 1.5, resolved 1 of 1: (30 ÷ 1.5 + 40) / 70
    assert await _score(house) == 85.71


async def test_to_return_at_the_last_second_costs_the_same(house: House) -> None:
    incident = await house.report()
    for who in ("community", "street"):
        await house.act(who, incident, "raise", ground="beyond_powers", reason="上呼")
    await house.advance(seconds=24 * HOUR - 1)
    await house.act("department", incident, "return", reason_code="not_our_duty", reason="不归我局")
    assert (await fair(house))[DEPARTMENT] == {"late_exit": 1, "late_exit_answer": 1}
    assert await _score(house, DEPARTMENT) == 0.0


async def test_to_assign_to_nobody_is_not_to_get_rid_of_it(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "raise", ground="beyond_powers", reason="上呼")
    await house.act("street", incident, "assign", unit=TEAM, reason="由执法队办理")
    await house.advance(seconds=BOX)
    counted = await figures(house)
    assert (counted[TEAM], counted[STREET]) == (
        {"calls": 1, "missed": 1, "missed_answer": 1},
        {"calls": 1, "assigned": 1},
    )
    assert (await fair(house))[STREET] == {"accountable": 1}
    assert (await _score(house, STREET), await _score(house, TEAM)) == (0.0, None)
    (call,) = (await _listed(house, STREET, "accountable"))["items"]
    assert (call["unit"]["code"], call["accountable"]) == (TEAM, {"unit": STREET, "seq": 2})


async def _listed(house: House, unit: str, measure: str) -> Any:
    query = {"period": "2026-11", "group_by": "unit", "group": unit, "measure": measure}
    return await house.get("street", "/v1/appraisal/calls", **query)


async def test_a_friendly_withdrawal_at_the_last_second_is_seen(house: House) -> None:
    incident = await house.report()
    await house.advance(seconds=BOX - 1)
    await house.act("worker", incident, "withdraw", reason="报错了")
    assert (await fair(house))[COMMUNITY] == {"withdrawn_late": 1}


async def test_a_void_that_was_none_is_seen(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "void", reason_code="not_an_incident", reason="不是问题")
    await house.act("worker", incident, "reopen", reason="就是问题")
    assert (await fair(house))[COMMUNITY] == {"voided": 1}
    await house.act("street", incident, "resolve", result="街道清了")
    assert (await fair(house))[COMMUNITY] == {"voided": 1, "voided_in_error": 1}
