"""SIGKILLs in mid-batch, and connections cut around a COMMIT."""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from collections import Counter

from tests.drills.drill import Drill, Outcome, Say, Stage, load, stage
from tests.drills.proxy import Cut, Proxy
from tests.drills.site import Serving, Template

_BOTH = 0.2
"""The share of kills that hit both processes."""
_CUT_EVERY_S = 0.2
_CUTS = (Cut.BEFORE, Cut.WITH, Cut.AFTER)


async def kill(template: Template, say: Say, times: int) -> Outcome:
    """One of two processes is killed while it has requests to answer, again and again; sometimes both are."""
    async with stage(template, "kill", say) as here:
        await here.serve(here.cluster.url(), here.cluster.url())
        async with load(here) as drill:
            starts, in_flight = await _kills(drill, here, times)
            outcome = await drill.judge(here.cluster, here.folder)
    busy = sum(each > 0 for each in in_flight)
    outcome.figures |= {
        "kills": times,
        "with requests in flight": busy,
        "start to ready s": f"{statistics.median(starts):.1f} (max {max(starts):.1f})",
    }
    outcome.demand(busy >= times * 0.8, "most kills hit a process that had nothing to do: they mean nothing")
    return outcome


async def _kills(drill: Drill, here: Stage, times: int) -> tuple[list[float], list[int]]:
    chance = random.Random(times)
    starts: list[float] = []
    in_flight: list[int] = []
    for turn in range(1, times + 1):
        victims = here.servers if chance.random() < _BOTH else [chance.choice(here.servers)]
        await _until_busy(drill, here.servers.index(victims[0]))
        await asyncio.sleep(chance.uniform(0, 0.03))
        in_flight.append(drill.ledger.in_flight[here.servers.index(victims[0])])
        for server in victims:
            server.kill()
        starts += await asyncio.gather(*(_start(server) for server in victims))
        if turn % 10 == 0:
            here.say(f"kill {turn} of {times}")
    return starts, in_flight


async def _until_busy(drill: Drill, number: int) -> None:
    end = time.monotonic() + 10
    while drill.ledger.in_flight[number] < 2 and time.monotonic() < end:
        await asyncio.sleep(0.002)


async def _start(server: Serving) -> float:
    server.start()
    return await server.ready()


async def cut(template: Template, say: Say, times: int) -> Outcome:
    """Connections to the database are cut around the COMMIT of transactions that wrote: in three ways, in turn."""
    done: Counter[str] = Counter()
    async with stage(template, "cut", say) as here, Proxy(here.cluster.port) as proxy:
        url = here.cluster.url(proxy.port)
        await here.serve(url, url)
        async with load(here) as drill:
            chance = random.Random(times)
            for turn in range(1, times + 1):
                how = _CUTS[turn % len(_CUTS)]
                async with asyncio.timeout(30):
                    await proxy.cut_next(how)
                done[how] += 1
                await asyncio.sleep(chance.uniform(0, 2 * _CUT_EVERY_S))
                if turn % 20 == 0:
                    say(f"cut {turn} of {times}")
            outcome = await drill.judge(here.cluster, here.folder)
        outcome.figures |= {**done, "commits": proxy.commits}
    return outcome
