"""A reader of the feed with a cursor of its own, which goes on wherever it was when a process went away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import httpx

_WAIT_S, _LIMIT = 5, 500


class Seen(NamedTuple):
    """One event as the feed showed it; `sequence` counts those of its incident."""

    incident: str | None
    sequence: int | None
    type: str


class FeedReader:
    """Reads everything, from the oldest event on, at one process after the other."""

    def __init__(self, urls: Sequence[str], headers: dict[str, str]) -> None:
        self.urls = list(urls)
        self.seen: list[Seen] = []
        self.before: list[Seen] = []
        """What it had read when the log was taken back, and it had to go back with it."""
        self.contents: dict[str, Seen] = {}
        """What each id stood for, ever."""
        self.ids_given_twice: list[str] = []
        self.taken_back: list[dict[str, Any]] = []
        """What the service said when its log was not the one that was read any more."""
        self.max_lag_s = 0.0
        """How old an event was when it was read first, of those that happened meanwhile."""
        self.faults: list[str] = []
        self._headers = headers
        self._began = time.time()
        self._cursor: str | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def to_the_end(self, url: str) -> None:
        """Read what is left, from a process at rest."""
        async with httpx.AsyncClient(base_url=url, headers=self._headers, timeout=30) as client:
            while await self._page(client, wait=0) != 0:
                pass

    async def _run(self) -> None:
        turn = 0
        while True:
            turn += 1
            timeout = httpx.Timeout(_WAIT_S + 10, connect=2)
            async with httpx.AsyncClient(
                base_url=self.urls[turn % len(self.urls)], headers=self._headers, timeout=timeout
            ) as client:
                while await self._page(client, wait=_WAIT_S) is not None:
                    pass
            await asyncio.sleep(0.05)

    async def _page(self, client: httpx.AsyncClient, *, wait: int) -> int | None:
        """How many events came; None when this process does not answer."""
        query: dict[str, Any] = {"limit": _LIMIT, "wait": wait} | ({"after": self._cursor} if self._cursor else {})
        try:
            answer = await client.get("/v1/events", params=query)
        except httpx.TransportError:
            return None
        if answer.status_code == 410:
            return self._go_back(answer.json())
        if answer.status_code != 200:
            if answer.status_code not in (429, 503):
                self.faults.append(f"the feed answered {answer.status_code}: {answer.text[:200]}")
            return None
        page = answer.json()
        for event in page["items"]:
            self._note(event)
        times = [datetime.fromisoformat(event["time"]).timestamp() for event in page["items"]]
        self.max_lag_s = max([self.max_lag_s, *(time.time() - each for each in times if each > self._began)])
        self._cursor = page["next_cursor"]
        return len(page["items"])

    def _note(self, event: dict[str, Any]) -> None:
        sequence = event.get("sequence")
        seen = Seen(event.get("subject") if sequence else None, int(sequence) if sequence else None, event["type"])
        self.seen.append(seen)
        if self.contents.setdefault(event["id"], seen) != seen:
            self.ids_given_twice.append(event["id"])

    def _go_back(self, problem: dict[str, Any]) -> int:
        """Go on from the last cursor that both histories share, else from the oldest."""
        self.taken_back.append(problem)
        self._cursor = problem.get("common") or problem.get("oldest")
        self.before, self.seen = [*self.before, *self.seen], []
        return -1
