"""A unit that plays every trick, among honest ones: each trick has its sign, which stands out beside the median."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from service.rules.figures.watching import Sign
from tests.house import COMMUNITY, STREET, House

pytestmark = pytest.mark.anyio

HOUR, DAY = 3600, 24 * 3600
BOX = 4 * HOUR
"""The answer box of levels 1 and 2 for what is not urgent."""
HONEST = tuple(f"{STREET}00{n}" for n in (2, 3, 4))
TEAM = f"{STREET}-team-1"


async def _done(house: House, incident: Any, unit: str, *, after_s: int = HOUR) -> None:
    """The unit resolves it, and its reporter accepts that after a while."""
    await house.act(unit, incident, "resolve", result="已处理")
    await house.advance(seconds=after_s)
    await house.act("worker", incident, "accept")


async def _honest(house: House) -> None:
    """Each resolves what is reported, and raises early what is beyond its powers. One waits for a permit."""
    for unit in HONEST:
        await _done(house, await house.report(grid_code=f"{unit}001"), unit)
        raised = await house.report(grid_code=f"{unit}001", category="urban-0113")
        await house.act(unit, raised, "raise", ground="beyond_powers", reason="需要执法权")
        await _done(house, raised, "street")
    unit = HONEST[1]
    waits = await house.report(grid_code=f"{unit}001", category="urban-0192")
    await house.act(unit, waits, "hold", until="2026-11-25T09:00:00+08:00", reason="等许可")
    await house.advance(seconds=HOUR)
    await house.act("street", waits, "requests/1/approve", reason="同意")
    await house.act(unit, waits, "resume")
    await _done(house, waits, unit)


async def _plays_with_the_outcome(house: House) -> None:
    """It resolves what a friend accepts in a second and others have to report again, voids that, and reports to
    itself."""
    await _done(house, await house.report(), "community", after_s=9)
    await house.advance(seconds=DAY)
    again = await house.report("colleague")
    await house.act("community", again, "void", reason_code="unclear", reason="看不清")
    own = await house.report("community", category="urban-0111")
    await house.act("community", own, "resolve", result="清了")


async def _plays_with_the_clock(house: House) -> None:
    """It leaves at the last moment, has a friend withdraw then, and has its waits approved in a second."""
    raised, withdrawn = await house.report(category="urban-0112"), await house.report(category="urban-0114")
    await house.advance(seconds=BOX - 60)
    await house.act("community", raised, "raise", ground="other", reason="不归我们")
    await house.act("worker", withdrawn, "withdraw", reason="报错了")
    await house.act("street", raised, "assign", unit=TEAM, reason="由执法队办理")
    await house.act(TEAM, raised, "return", reason_code="not_our_duty", reason="不归我们")
    await _done(house, raised, "street")
    waits = await house.report(category="urban-0117")
    await house.act("community", waits, "hold", until="2026-11-28T09:00:00+08:00", reason="等许可")
    await house.advance(seconds=10)
    await house.act("street", waits, "requests/1/approve", reason="同意")
    resumed = await house.act("community", waits, "resume")
    later = (datetime.fromisoformat(resumed["due_at"]) + timedelta(hours=1)).isoformat()
    await house.act("community", waits, "extend", until=later, reason="人手不够")
    await house.advance(seconds=11)
    await house.act("street", waits, "requests/2/approve", reason="同意")
    await _done(house, waits, "community")


async def _what_ops_decide(house: House) -> None:
    """They merge, assign, correct, end a flood, approve a long hold at once, and judge two appeals."""
    merged, target = await house.report(category="urban-0118"), await house.report(category="urban-0118")
    await house.act("ops", merged, "merge", into=target["id"], reason="同一件")
    await _done(house, target, "community")
    given = await house.report(category="urban-0119")
    await house.act("ops", given, "assign", unit=HONEST[1], reason="由三社区办理")
    await _done(house, given, HONEST[1])
    moved = await house.report(category="urban-0121")
    await house.act("ops", moved, "correct", grid_code=f"{HONEST[2]}001", reason="在四社区")
    await _done(house, moved, HONEST[2])
    await house.report("colleague", category="urban-0125")
    now = (await house.advance(seconds=1))["now"]
    since = (datetime.fromisoformat(now) - timedelta(minutes=1)).isoformat()
    flood = {"reporter": "colleague", "from": since, "to": now, "reason": "刷报"}
    assert (await house.send("ops", "POST", "/v1/incidents/flood", flood)).json()["closed"] == 1
    long = await house.report(category="urban-0126")
    await house.act("community", long, "hold", until="2027-01-10T09:00:00+08:00", reason="汛期")
    await house.act("ops", long, "requests/1/approve", reason="同意")
    missed = [await house.report(category=each) for each in ("urban-0130", "urban-0131")]
    await house.advance(seconds=BOX)
    for each, verdict in zip(missed, ("approve", "refuse"), strict=True):
        await house.act("community", each, "appeal", call=1, reason="停电")
        await house.act("ops", each, f"appeals/1/{verdict}", reason="已核")
        await _done(house, each, "street")


UNITS: dict[str, dict[str, tuple[int, int]]] = {
    # of 14 calls, the one on hold has not ended; of its holds and extensions, one extension was thought about
    COMMUNITY: {
        **dict.fromkeys(("raised", "assigned", "corrected", "merged", "voided", "withdrawn", "flooded"), (1, 13)),
        **dict.fromkeys(("held", "extended"), (1, 13)),
        "last_moment": (2, 6), "approved_at_once": (2, 2), "held_long": (1, 2), "accepted_at_once": (1, 3),
        "self_reported": (1, 14), "reported_again": (1, 6), "exempted": (1, 2),
    },
    STREET: {"assigned": (1, 7)},
    TEAM: {"returned": (1, 1)},
    HONEST[0]: {"raised": (1, 2)},
    HONEST[1]: {"raised": (1, 4), "held": (1, 4)},
    HONEST[2]: {"raised": (1, 3)},
}  # fmt: skip
OPS = {
    **dict.fromkeys(("assigned", "corrected", "merged", "flooded"), (1, 30)),
    **{"last_moment": (0, 3), "approved_at_once": (1, 1), "held_long": (1, 1), "exempted": (1, 2)},
}
MEDIANS = {
    **dict.fromkeys(Sign, 0.0),
    Sign.RAISED: 0.1635,  # of 0, 0, 1/13, 1/4, 1/3, 1/2
    Sign.APPROVED_AT_ONCE: 0.5,  # of 0, 1
    Sign.HELD_LONG: 0.25,  # of 0, 1/2
    Sign.EXEMPTED: 0.5,  # of the one unit that has appealed
}


async def test_every_sign_of_every_unit_and_of_ops(house: House) -> None:
    await _honest(house)
    await _plays_with_the_outcome(house)
    await _plays_with_the_clock(house)
    await _what_ops_decide(house)

    found = await house.get("auditor", "/v1/appraisal/watch", period="2026-11")

    units = {row["unit"]["code"]: row["signs"] for row in found["items"]}
    assert {code: _shares(signs) for code, signs in units.items()} == UNITS
    ops = found["ops"]["signs"]
    assert {name: (share["n"], share["of"]) for name, share in ops.items()} == OPS
    for signs in (*units.values(), ops):
        assert {name: share["median"] for name, share in signs.items()} == {name: MEDIANS[name] for name in signs}
    for code, signs in (*units.items(), (None, ops)):
        for name, share in signs.items():
            calls = (await house.get("auditor", share["calls"]))["items"]
            assert len(calls) == share["n"], (code, name)
            assert code is None or {call["unit"]["code"] for call in calls} <= {code}


def _shares(signs: Any) -> dict[str, tuple[int, int]]:
    return {name: (share["n"], share["of"]) for name, share in signs.items() if share["n"]}
