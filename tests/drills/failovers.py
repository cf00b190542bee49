"""The primary dies and its standby is promoted: synchronous nothing is lost, asynchronous every reader is told."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from tests.drills import oracle
from tests.drills.cluster import Cluster
from tests.drills.drill import Drill, Outcome, Say, Stage, load, stage
from tests.drills.proxy import Proxy
from tests.drills.site import ANSWER_S, Template, bundle
from tests.processes.running import command

MAX_WRITES_AGAIN_S = 5.0
_LOAD_S, _AFTER_S = 5.0, 8.0
_STREAMS = "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming'"
_OTHER_ANSWER_S = {**ANSWER_S, 1: 9}


def both(*ports: int) -> str:
    """The URL that names several servers, of which the one that takes writes is to be used."""
    hosts = "&".join(f"host=127.0.0.1:{port}" for port in ports)
    return f"postgresql://sihu@/sihu?{hosts}&target_session_attrs=read-write"


def with_commas(*ports: int) -> str:
    """The same as libpq and Patroni write it."""
    hosts = ",".join(f"127.0.0.1:{port}" for port in ports)
    return f"postgresql://sihu@{hosts}/sihu?target_session_attrs=read-write"


async def synchronous(template: Template, say: Say, times: int) -> Outcome:
    """A synchronous standby: nothing acknowledged is lost, and both processes write again soon."""
    total = Outcome()
    for number, form in enumerate((both, with_commas)[:times], 1):
        async with stage(template, "failover", say) as here:
            standby = await follow(here, waits=True)
            url = form(here.cluster.port, standby.port)
            say(f"with {url}")
            try:
                await here.serve(url, url)
                outcome = await _fail_over(here, standby)
            except AssertionError as error:
                outcome = Outcome(violations=[str(error).strip().splitlines()[-1]])
            finally:
                standby.remove()
        total.figures |= {f"{label} ({number})": value for label, value in outcome.figures.items()}
        total.violations += outcome.violations
    return total


async def follow(here: Stage, *, waits: bool) -> Cluster:
    """A standby that has caught up. With `waits` every commit waits for it."""
    standby = await asyncio.to_thread(here.cluster.standby, here.folder / "standby")
    standby.start()
    assert await here.cluster.until(_STREAMS)
    if waits:
        here.cluster.stop()
        here.cluster.start(synchronous_standby_names="*")
        assert await here.cluster.until(_STREAMS)
    return standby


async def _fail_over(here: Stage, standby: Cluster) -> Outcome:
    async with load(here) as drill:
        await asyncio.sleep(_LOAD_S)
        here.say("the primary is killed")
        here.cluster.kill()
        await asyncio.sleep(0.6)
        await asyncio.to_thread(standby.promote)
        promoted = time.monotonic()
        again = await drill.writes_again(promoted)
        await asyncio.sleep(_AFTER_S)
        outcome = await drill.judge(standby, here.folder)
    demand_writes(outcome, again)
    return outcome


def demand_writes(outcome: Outcome, again: dict[int, float | None], after: str = "promotion") -> None:
    """Whether every process writes again in time."""
    shown = ", ".join("never" if each is None else f"{each:.1f}" for each in again.values())
    outcome.figures[f"writes again after the {after}, s"] = shown
    in_time = all(each is not None and each <= MAX_WRITES_AGAIN_S for each in again.values())
    outcome.demand(in_time, f"after the {after}, writes again only after {shown} s, over {MAX_WRITES_AGAIN_S} s")


async def asynchronous(template: Template, say: Say, times: int) -> Outcome:
    """An asynchronous standby lacks the last seconds: what it lacks is lost, but no reader is left in the dark, no
    event id is given twice, and no incident hangs on a policy that went with the old primary."""
    async with stage(template, "asynchronous", say) as here, Proxy(here.cluster.port) as proxy:
        standby = await follow(here, waits=False)
        url = here.cluster.url(proxy.port)
        try:
            await here.serve(url, url)
            async with load(here) as drill:
                await asyncio.sleep(_LOAD_S)
                await _diverge(here, standby)
                proxy.lead_to(standby.port)
                again = await drill.writes_again(time.monotonic())
                await asyncio.sleep(_AFTER_S)
                outcome = await drill.judge(standby, here.folder, losses=True)
                await _look(outcome, drill, standby)
        finally:
            standby.remove()
    demand_writes(outcome, again)
    return outcome


async def _diverge(here: Stage, standby: Cluster) -> None:
    """The standby hears nothing of the last seconds, nor of a new policy; then the primary is gone."""
    standby.stop("immediate")
    here.say("the standby hears nothing any more")
    await asyncio.to_thread(_import_other_policy, here.cluster.url(), here.folder / "other")
    await asyncio.sleep(_LOAD_S)
    here.cluster.kill()
    standby.start(primary_conninfo="")
    await asyncio.to_thread(standby.promote)
    here.say("the standby is promoted")


def _import_other_policy(url: str, folder: Path) -> None:
    done = command("registry", "import", str(bundle(folder, _OTHER_ANSWER_S)), url=url)
    assert done.returncode == 0, done.stdout + done.stderr


async def _look(outcome: Outcome, drill: Drill, standby: Cluster) -> None:
    connection = await standby.connect()
    try:
        gone = await oracle.lost(connection, drill.ledger)
    finally:
        await connection.close()
    outcome.figures |= {"acknowledged and gone": gone, "ids given twice": len(drill.reader.ids_given_twice)}
    outcome.demand(gone > 0, "nothing was lost: the drill means nothing")
    codes = [problem.get("code") for problem in drill.reader.taken_back]
    outcome.figures["the reader was told"] = codes
    outcome.demand("history_changed" in codes, "the reader was not told that the history changed")
