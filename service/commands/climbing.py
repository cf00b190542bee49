"""A sample call that nobody answers: it is reported when the demo starts, and climbs while somebody watches.

It goes the way of every report, over HTTP; only the boxes of its category are short (see `sample`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from service.access.identify import API
from service.context import Context, TaskPart
from service.room import Room
from service.rules.words import Level, State
from service.rules.worktime import ZONE
from service.web import story

_log = logging.getLogger(__name__)

_LOOK_S = 1.0
_NAMES = {Level.COMMUNITY: "一呼", Level.STREET: "二呼", Level.DEPARTMENT: "三呼", Level.LEADER: "四呼"}


def room(url: str, worker: str) -> Room:
    """Return the room of the sample call. `worker` is the key with which it is reported at `url`."""
    return Room(door=API, routers=(), parts=(lambda context: ClimbingCall(context, url, worker),))


class ClimbingCall(TaskPart):
    """Reports the sample call once the process runs, and prints a line for each unit that is called, up to the leader
    or until somebody answers.

    It looks at the incident every second and holds no request, which would delay the end of the process.
    """

    def __init__(self, context: Context, url: str, worker: str) -> None:
        self._context = context
        self._url = url
        self._headers = {"Authorization": f"Bearer {worker}"}

    async def _run(self) -> None:
        # a proxy of the environment does not know this machine's addresses
        async with httpx.AsyncClient(base_url=self._url, headers=self._headers, trust_env=False) as client:
            try:
                await self._follow(client)
            except httpx.HTTPError as error:
                _log.warning("the sample call is not shown: %s", error, extra={"event": "sample_call_failed"})

    async def _follow(self, client: httpx.AsyncClient) -> None:
        words = "示例:无人应的一件 (nobody answers)"
        body = {"grid_code": story.CELL, "category": story.CLIMBING, "description": words}
        reported = (await client.post("/v1/incidents", json=body)).raise_for_status().json()
        shown, state = 0, State.CALLING
        while shown < Level.LEADER and state is State.CALLING:
            answer = await client.get(f"/v1/incidents/{reported['id']}")
            incident = answer.raise_for_status().json()
            state = State(incident["state"])
            names = {code: rows[-1].name for code, rows in self._context.worlds.world.units.items()}
            for line in lines_of(incident, names)[shown:]:
                print(line, flush=True)
                shown += 1
            await asyncio.sleep(_LOOK_S)


def lines_of(incident: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """Return one line for each call of an incident, oldest first. `names`: the units' names by their code."""
    calls, found = incident["calls"], []
    for before, call in zip([None, *calls], calls, strict=False):
        time = datetime.fromisoformat(call["opened_at"]).astimezone(ZONE).strftime("%H:%M:%S")
        called = f"{_NAMES[Level(call['level'])]} {names[call['unit']]}"
        missed = "reported 上报"
        if before is not None:
            late = f"{before['late_s']:.1f} s late" if before["late_s"] is not None else "passed on"
            missed = f"{names[before['unit']]} did not answer 超时未应 ({late})"
        found.append(f"{time}  {incident['number']}  {missed} → {called}")
    return found
