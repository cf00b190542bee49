"""One key, or many, want more than their share: what another key notices of it, and whether deadlines stay in time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx

from tests.drills.drill import Outcome, Say, Stage, stage
from tests.drills.site import CATEGORY, Template, cells
from tests.drills.swarm import Orders, Swarm

MAX_P99_S, MAX_LATE_S = 0.3, 0.5
_MEASURE_S, _CALM_S = 20.0, 8.0
_PER_SECOND = 20
_HERD_EVERY_S = 4.0
"""How often the queue changes on which everybody waits."""
_LATE = """
    SELECT count(*) AS many, percentile_disc(0.99) WITHIN GROUP (ORDER BY late_s) AS p99, max(late_s) AS most
    FROM call WHERE outcome IN ('no_answer', 'not_resolved') AND ended_at BETWEEN $1::timestamptz AND now()"""


async def crowd(template: Template, say: Say, times: int) -> Outcome:
    """Waiting polls over 80 subjects: half on one queue, half on the feed with a filter that matches nothing."""
    async with stage(template, "crowd", say) as here:
        keys = [here.keys.by_subject[each] for each in here.keys.pollers]
        return await _attack(here, [(keys[n % len(keys)], _waits()[n // len(keys) % 2]) for n in range(times)])


async def hog(template: Template, say: Say, times: int) -> Outcome:
    """Waiting polls on one queue by one subject."""
    async with stage(template, "hog", say) as here:
        return await _attack(here, [(here.keys.by_subject["poller-00"], _waits()[0])] * times)


async def lists(template: Template, say: Say, times: int) -> Outcome:
    """Plain lists by one reporter, all at once and again every three seconds."""
    async with stage(template, "lists", say) as here:
        clients = [(here.keys.by_subject["hog"], "/v1/incidents")] * times
        return await _attack(here, clients, spread_s=1.0, pause_s=3.0)


def _waits() -> tuple[str, str]:
    feed = "/v1/events?after={after}&wait=25&types=sihu.incident.merged"
    return f"/v1/queues/{cells()[0][:12]}?wait=25", feed


async def _attack(
    here: Stage, clients: Sequence[tuple[str, str]], spread_s: float = 2.0, pause_s: float = 0.0
) -> Outcome:
    server = (await here.serve(here.cluster.url()))[0]
    outcome = Outcome()
    other = _Other(server.url, here)
    try:
        await other.measure("calm", _CALM_S, outcome)
        swarm = await Swarm.start(Orders(server.port, _MEASURE_S + 8, list(clients), spread_s, pause_s))
        here.say(f"{len(clients)} clients have sent their requests")
        try:
            await other.measure("attacked", _MEASURE_S, outcome)
            answers = await swarm.answers()
        finally:
            await swarm.kill()
    finally:
        await other.close()
    outcome.figures |= {"attacker": answers["statuses"], "slowest s": answers["slowest_s"], "broken": answers["broken"]}
    bad = {status: many for status, many in answers["statuses"].items() if status >= "500" and status != "503"}
    outcome.demand(not bad, f"the attacker was answered {bad}")
    outcome.demand("200" in answers["statuses"], "the attacker was answered nothing: it was no attack")
    return outcome


class _Other:
    """Another key, with a request every 50 ms whatever became of the one before."""

    def __init__(self, url: str, here: Stage) -> None:
        self._here = here
        limits = httpx.Limits(max_connections=400, max_keepalive_connections=400)
        self._client = httpx.AsyncClient(base_url=url, headers=here.keys.of("good"), timeout=30, limits=limits)
        self._elsewhere = [cell for cell in cells() if cell[:12] != cells()[0][:12]]

    async def close(self) -> None:
        await self._client.aclose()

    async def measure(self, name: str, seconds: float, outcome: Outcome) -> None:
        """Send for so many seconds, and note what came of it."""
        began = await self._here.cluster.value("SELECT now()")
        took: list[float] = []
        statuses: Counter[int] = Counter()
        async with asyncio.TaskGroup() as group:
            start = time.monotonic()
            for turn in range(int(seconds * _PER_SECOND)):
                await asyncio.sleep(max(0.0, start + turn / _PER_SECOND - time.monotonic()))
                group.create_task(self._send(turn, took, statuses))
        late = await self._late(began)
        took.sort()
        p99 = took[int(len(took) * 0.99)]
        outcome.figures[f"{name}: another key"] = f"{dict(statuses)}, p99 {p99:.3f} s, max {took[-1]:.3f} s"
        outcome.figures[f"{name}: lateness"] = (
            f"{late['many']} fired, p99 {late['p99']:.3f} s, max {late['most']:.3f} s"
        )
        if name != "calm":
            outcome.demand(p99 < MAX_P99_S, f"another key's p99 is {p99:.3f} s, over {MAX_P99_S} s")
            outcome.demand(set(statuses) <= {200, 201}, f"another key was answered {dict(statuses)}")
            outcome.demand(late["p99"] < MAX_LATE_S, f"lateness p99 is {late['p99']:.3f} s, over {MAX_LATE_S} s")

    async def _send(self, turn: int, took: list[float], statuses: Counter[int]) -> None:
        began = time.monotonic()
        try:
            status = (await self._request(turn)).status_code
        except httpx.TransportError:
            status = 0
        took.append(time.monotonic() - began)
        statuses[status] += 1

    async def _request(self, turn: int) -> httpx.Response:
        """Reports, half a list, half the feed; now and then a report to the queue on which everybody waits."""
        if turn % int(_HERD_EVERY_S * _PER_SECOND) == 0:
            return await self._report(cells()[0])
        if turn % 5 == 0:
            return await self._report(self._elsewhere[turn % len(self._elsewhere)])
        return await self._client.get("/v1/incidents" if turn % 2 else "/v1/events", params={"limit": 20})

    async def _report(self, cell: str) -> httpx.Response:
        body = {"grid_code": cell, "category": CATEGORY, "description": "路灯不亮"}
        return await self._client.post("/v1/incidents", json=body)

    async def _late(self, since: object) -> Any:
        connection = await self._here.cluster.connect()
        try:
            return await connection.fetchrow(_LATE, since)
        finally:
            await connection.close()
