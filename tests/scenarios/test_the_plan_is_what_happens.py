"""A plan is a promise: many incidents lived at random, planned, then left alone on the virtual clock to the plan's end.

Through HTTP and the real engine, under the shipped policy: working time, warnings, holds, extensions, parked kinds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.house import House

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

MANY = 40
CATEGORIES = ("urban-0110", "urban-0110", "urban-0101", "urban-0501")
KINDS = ("incident",) * 9 + ("suggestion",)
VERBS: dict[str, tuple[str | None, ...]] = {
    "calling": ("answer", "answer", "raise", "raise", "resolve", "hold", "extend", "return", None),
    "answered": ("resolve", "raise", "hold", "extend", None),
    "on_hold": ("resume", None, None),
    "resolved": ("reject", None, None),
    "closed": (None,),
}
GIVEN: dict[str, dict[str, str]] = {
    "answer": {"measure": "派人处理"},
    "raise": {"ground": "beyond_powers", "reason": "上呼"},
    "resolve": {"result": "已办"},
    "return": {"reason_code": "not_our_duty", "reason": "不归我管"},
    "reject": {"reason": "还在"},
    "withdraw": {"reason": "不报了"},
    "resume": {},
}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


class Life:
    """Some incidents and what chance has people do to them."""

    def __init__(self, house: House, chance: Random) -> None:
        self.house = house
        self.chance = chance
        self.did: Counter[str] = Counter()

    async def reported(self) -> Any:
        kind = self.chance.choice(KINDS)
        return await self.house.report(kind=kind, category=self.chance.choice(CATEGORIES))

    async def something(self, incident: Any) -> Any:
        """One act, if it is possible; the incident as it then stands."""
        incident = await self.house.get("worker", f"/v1/incidents/{incident['id']}")
        verb = self.chance.choice(VERBS[incident["state"]])
        if verb is None:
            return incident
        who = "worker" if verb == "reject" else incident["unit"]["code"]
        body = GIVEN[verb] if verb in GIVEN else {"reason": "等料", "until": self._until(verb, incident)}
        done = await self._tried(who, incident, verb, body)
        waiting = [each["n"] for each in done["requests"] if each["outcome"] is None]
        if waiting:
            done = await self._decided(done, waiting[0])
        return done

    def _until(self, verb: str, incident: Any) -> str:
        start = _at(incident["due_at"]) if verb == "extend" else self.house.process.clock.now()
        hours = self.chance.randrange(1, 5 if verb == "extend" else 120)
        return (start + timedelta(hours=hours)).isoformat()

    async def _decided(self, incident: Any, n: int) -> Any:
        approver = incident["requests"][-1]["approver"] or "ops"
        return await self._tried(approver, incident, f"requests/{n}/approve", {})

    async def _tried(self, who: str, incident: Any, verb: str, body: Any) -> Any:
        answer = await self.house.send(who, "POST", f"/v1/incidents/{incident['id']}/{verb}", body)
        if answer.status_code != 200:
            assert answer.status_code in (403, 409, 422), answer.text
            return incident
        self.did[verb.rsplit("/", 1)[-1]] += 1
        return answer.json()


async def _what_happened(house: House, incident: Any, before: int) -> list[tuple[str, str, int, str]]:
    """What the clock did after the first `before` events, as the timeline tells it: at, arrow, level, unit."""
    items = (await house.get("worker", f"/v1/incidents/{incident['id']}/timeline?limit=500"))["items"][before:]
    assert {each["data"]["by"]["kind"] for each in items} <= {"clock"}, "nobody else did anything"
    return list(_steps(items))


def _steps(items: list[Any]) -> Iterable[tuple[str, str, int, str]]:
    arrow = ""
    for each in items:
        kind, told = each["type"].removeprefix("sihu."), each["data"]["incident"]
        if kind == "call.missed":
            arrow = {"calling": "no_answer", "answered": "not_resolved"}[told["state"]]
            continue
        if kind == "call.unrouted":
            continue
        if kind != "call.opened":
            arrow = {"call.warned": "warned", "incident.resumed": "resume", "incident.closed": "verify_timeout"}[kind]
        yield each["time"], arrow, told["level"], told["unit"]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", [1, 2])
async def test_what_each_plan_says_is_what_the_engine_then_does(shipped: House, seed: int) -> None:
    life = Life(shipped, Random(seed))
    incidents = []
    for _ in range(MANY):
        incidents.append(await life.reported())
        await shipped.advance(seconds=life.chance.randrange(0, 2 * 3600))
        for incident in life.chance.sample(incidents, min(len(incidents), 8)):
            await life.something(incident)
    plans = []
    for incident in incidents:
        where = f"/v1/incidents/{incident['id']}"
        steps = (await shipped.get("worker", f"{where}/plan"))["items"]
        past = len((await shipped.get("worker", f"{where}/timeline?limit=500"))["items"])
        assert bool(steps) == ((await shipped.get("worker", where))["state"] != "closed")
        if steps:
            plans.append((_at(steps[-1]["at"]), incident, steps, past))

    arrows: Counter[str] = Counter()
    for end, incident, steps, past in sorted(plans, key=lambda plan: plan[0]):
        await shipped.advance(to=end.isoformat())
        happened = await _what_happened(shipped, incident, past)
        assert happened[: len(steps)] == [(each["at"], each["arrow"], each["level"], each["unit"]) for each in steps]
        assert all(each["because"] for each in steps)
        arrows.update(each["arrow"] for each in steps)
        # a leader is called again and again: whoever was looked at leaves, or the run would never end
        await life._tried("worker", incident, "withdraw", GIVEN["withdraw"])

    assert set(arrows) == {"warned", "no_answer", "not_resolved", "resume", "verify_timeout"}, arrows
    for verb in ("answer", "raise", "resolve", "hold", "extend", "approve", "return"):
        assert life.did[verb] > 1, life.did
