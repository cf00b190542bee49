"""SIGTERM: under load with a hundred waits, and while the database hangs."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import httpx

from tests.drills.drill import Outcome, Say, Stage, load, stage
from tests.drills.site import Serving, Template, cells

MAX_STOP_S, MAX_HANGING_STOP_S = 2.0, 10.0
_WAITS = 100
_PROCESSES = 4
_HANGS_S = 2.0


async def stop(template: Template, say: Say, times: int) -> Outcome:
    """Each stop ends in time with code 0; whoever waits is let go with an answer, and no process stays behind."""
    ends: list[tuple[int | None, float]] = []
    waits: Counter[str] = Counter()
    left: set[str] = set()
    async with stage(template, "stop", say) as here:
        server = (await here.serve(here.cluster.url()))[0]
        async with load(here, people=8, batchers=1) as drill:
            for turn in range(1, times + 1):
                ends.append(await _stop(here, server, waits))
                left |= set(_left_behind(server))
                server.start()
                await server.ready()
                say(f"stop {turn} of {times}: code {ends[-1][0]} after {ends[-1][1]:.1f} s")
            outcome = await drill.judge(here.cluster, here.folder)
    outcome.figures["waits answered"] = dict(waits)
    outcome.demand(set(waits) <= {"200", "304"}, f"waits were answered {dict(waits)}")
    outcome.demand(not left, f"processes stayed behind: {sorted(left)}")
    _demand_ends(outcome, ends, MAX_STOP_S)
    return outcome


async def hanging_stop(template: Template, say: Say, times: int) -> Outcome:
    """The same while PostgreSQL stands still, on several processes at once."""
    ends: list[tuple[int | None, float]] = []
    async with stage(template, "hanging-stop", say) as here:
        servers = await here.serve(*[here.cluster.url()] * _PROCESSES)
        async with load(here, people=8, batchers=1) as drill:
            for turn in range(1, times + 1):
                await asyncio.sleep(1)
                here.cluster.pause()
                await asyncio.sleep(_HANGS_S)
                ends += await asyncio.gather(*(server.terminate() for server in servers))
                here.cluster.resume()
                for server in servers:
                    server.start()
                await asyncio.gather(*(server.ready() for server in servers))
                say(f"stop {turn} of {times}: {_shown(ends[-_PROCESSES:])}")
            outcome = await drill.judge(here.cluster, here.folder)
    _demand_ends(outcome, ends, MAX_HANGING_STOP_S)
    return outcome


async def _stop(here: Stage, server: Serving, waits: Counter[str]) -> tuple[int | None, float]:
    limits = httpx.Limits(max_connections=_WAITS, max_keepalive_connections=_WAITS)
    async with httpx.AsyncClient(base_url=server.url, timeout=60, limits=limits) as client:
        sent: list[int] = []
        tasks = [asyncio.create_task(_wait(here, client, number, sent)) for number in range(_WAITS)]
        while len(sent) < _WAITS:
            await asyncio.sleep(0.05)
        await asyncio.sleep(1)
        end = await server.terminate()
        waits.update(await asyncio.gather(*tasks))
    return end


async def _wait(here: Stage, client: httpx.AsyncClient, number: int, sent: list[int]) -> str:
    """The status of a wait for what does not happen: a unit's holds, or mergers; or what became of the connection."""
    headers = here.keys.of(here.keys.pollers[number % len(here.keys.pollers)])
    try:
        if number % 2:
            path = "/v1/events?after=now&types=sihu.incident.merged"
        else:
            path = f"/v1/queues/{cells()[0][:12]}?state=on_hold"
            headers["If-None-Match"] = (await client.get(path, headers=headers)).headers.get("ETag", "")
        sent.append(number)
        return str((await client.get(f"{path}&wait=25", headers=headers)).status_code)
    except httpx.TransportError as error:
        return type(error).__name__


def _left_behind(server: Serving) -> list[str]:
    """The processes of a server's session, which is its own."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = stat.read_text().rpartition(")")[::2]
        except OSError:  # it has just ended
            continue
        if int(fields.split()[3]) == server.pid and fields.split()[0] != "Z":
            found.append(name)
    return found


def _demand_ends(outcome: Outcome, ends: list[tuple[int | None, float]], seconds: float) -> None:
    good = sum(code == 0 and took <= seconds for code, took in ends)
    codes = dict(Counter("killed" if code is None else code for code, _ in ends))
    longest = max(took for _, took in ends)
    outcome.figures |= {"stops": len(ends), "codes": codes, "longest stop s": round(longest, 1)}
    outcome.demand(good == len(ends), f"{good} of {len(ends)} stops ended with code 0 within {seconds:.0f} s")


def _shown(ends: list[tuple[int | None, float]]) -> str:
    return ", ".join(f"code {code} after {took:.1f} s" for code, took in ends)
