"""The network between a process and PostgreSQL: a server that takes no writes, one that answers late, a partition."""

from __future__ import annotations

import asyncio
import time

from tests.drills.drill import Drill, Outcome, Say, load, stage
from tests.drills.failovers import follow
from tests.drills.probes import Probes
from tests.drills.proxy import Cut, Proxy
from tests.drills.site import Template

MAX_REFUSAL_S = 5.0
"""Within how long a person is told that the database is away."""
MAX_PROBE_S = 1.2
"""Within how long a probe is answered: a second, and what a busy machine adds."""
MAX_LATE_S = 6.5
_BEFORE_S, _READ_ONLY_S, _SLOW_S, _PARTITION_S, _CALM_S = 3.0, 8.0, 20.0, 14.0, 6.0
_ANSWERS_AFTER_S = 30.0
_LATEST = "SELECT max(late_s) FROM call WHERE opened_at >= $1::timestamptz"
_OVERDUE = "SELECT coalesce(extract(epoch FROM max(now() - due_at)), 0)::float FROM incident WHERE due_at < now()"


async def read_only(template: Template, say: Say, times: int) -> Outcome:
    """The switch leads to a standby for a while, then back: 503 meanwhile, and nobody has to help afterwards."""
    async with stage(template, "read-only", say) as here, Proxy(here.cluster.port) as proxy:
        standby = await follow(here, waits=False)
        url = here.cluster.url(proxy.port)
        await here.serve(url, url)
        try:
            async with load(here) as drill, Probes(here.servers) as probes:
                await asyncio.sleep(_BEFORE_S)
                proxy.lead_to(standby.port)
                await asyncio.sleep(_READ_ONLY_S)
                ready = probes.last("/readyz")
                proxy.lead_to(here.cluster.port, cut=False)
                back = time.monotonic()
                healed = await drill.writes_again(back)
                await asyncio.sleep(_BEFORE_S)
                outcome = await drill.judge(here.cluster, here.folder)
        finally:
            standby.remove()
    outcome.demand(set(ready) == {503}, f"/readyz answered {ready} while the server took no writes")
    demand_healed(outcome, healed)
    return outcome


async def slow(template: Template, say: Say, times: int) -> Outcome:
    """Every answer of the database comes after 30 seconds: people are refused in time, probes are answered in time."""
    async with stage(template, "slow", say) as here, Proxy(here.cluster.port) as proxy:
        url = here.cluster.url(proxy.port)
        await here.serve(url, url)
        async with load(here) as drill, Probes(here.servers) as probes:
            await asyncio.sleep(_BEFORE_S)
            began, proxy.delay_s = time.monotonic(), _ANSWERS_AFTER_S
            await asyncio.sleep(_SLOW_S)
            probes.stop()
            proxy.delay_s = 0.0
            healed = await drill.writes_again(time.monotonic() + _ANSWERS_AFTER_S)
            outcome = await drill.judge(here.cluster, here.folder)
    demand_refusals(outcome, drill, began, _SLOW_S)
    probes.demand(outcome, MAX_PROBE_S)
    demand_healed(outcome, healed)
    return outcome


async def partition(template: Template, say: Say, times: int) -> Outcome:
    """One of two processes is cut off without a packet: the deadlines and the feed of the other stay in time."""
    overdue: list[float] = []
    async with stage(template, "partition", say) as here, Proxy(here.cluster.port) as proxy:
        began = await here.cluster.value("SELECT now()")
        await here.serve(here.cluster.url(proxy.port), here.cluster.url())
        async with load(here, readers=here.servers[1:]) as drill:
            await asyncio.sleep(_BEFORE_S)
            for turn in range(1, times + 1):
                await proxy.cut_next(Cut.FREEZE)
                await asyncio.sleep(_PARTITION_S)
                overdue.append(await here.cluster.value(_OVERDUE))
                proxy.thaw()
                say(f"partition {turn} of {times}: a deadline is {overdue[-1]:.1f} s overdue at its end")
                await asyncio.sleep(_CALM_S)
            outcome = await drill.judge(here.cluster, here.folder)
        latest, lag = await here.cluster.value(_LATEST, began), drill.reader.max_lag_s
    outcome.figures |= {"latest deadline s": round(latest, 1), "feed lag s": round(lag, 1)}
    outcome.demand(latest <= MAX_LATE_S, f"a deadline was {latest:.1f} s late, over {MAX_LATE_S} s")
    outcome.demand(lag <= MAX_LATE_S, f"an event came into the feed {lag:.1f} s late")
    return outcome


def demand_refusals(outcome: Outcome, drill: Drill, since: float, seconds: float) -> None:
    """Whether whoever asked while the database was away was told so in time."""
    during = [each for each in drill.ledger.replies if since + 1 <= each.sent <= since + seconds]
    refused = [each.seconds for each in during if each.status == 503]
    slowest = max((each.seconds for each in during), default=0.0)
    outcome.figures |= {"503 meanwhile": len(refused), "slowest answer meanwhile s": round(slowest, 1)}
    outcome.demand(bool(refused), "nobody was refused while the database was away")
    outcome.demand(slowest <= MAX_REFUSAL_S, f"somebody had no answer for {slowest:.1f} s, over {MAX_REFUSAL_S:.0f} s")


def demand_healed(outcome: Outcome, healed: dict[int, float | None]) -> None:
    """Whether every process writes again without help."""
    outcome.figures["writes again s"] = [None if each is None else round(each, 1) for each in healed.values()]
    outcome.demand(None not in healed.values(), "a process does not write again by itself")
