"""What a supervisor does all the time: it asks `/healthz` and `/readyz` of every process, and measures."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple, Self

import httpx

from tests.drills.drill import Outcome
from tests.drills.site import Serving

_EVERY_S = 0.5
_WAITING = -1


class Probe(NamedTuple):
    """One answer of a probe; status 0 where there was none."""

    at: float
    path: str
    server: int
    status: int
    seconds: float
    text: str


class Probes:
    """Probes of a few processes, as long as its block."""

    def __init__(self, servers: Sequence[Serving]) -> None:
        self.answers: list[Probe] = []
        self._servers = servers
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for number, server in enumerate(self._servers):
            for path in ("/healthz", "/readyz"):
                self._tasks.append(asyncio.create_task(self._ask(number, server.url, path)))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def stop(self) -> None:
        for task in self._tasks:
            task.cancel()

    def last(self, path: str) -> list[int]:
        """The newest status of each process."""
        newest = {each.server: each.status for each in self.answers if each.path == path}
        return [newest[number] for number in sorted(newest)]

    def demand(self, outcome: Outcome, seconds: float) -> None:
        """Whether every probe was answered in time, and `/healthz` with 200."""
        for path in ("/healthz", "/readyz"):
            answers = [each for each in self.answers if each.path == path]
            slowest = max((each.seconds for each in answers), default=0.0)
            outcome.figures[f"slowest {path} s"] = round(slowest, 2)
            outcome.demand(slowest <= seconds, f"{path} took {slowest:.1f} s, over {seconds} s")
            allowed = {200} if path == "/healthz" else {200, 503}
            bad = sorted({each.status for each in answers} - allowed - {_WAITING})
            outcome.demand(not bad, f"{path} answered {bad}")

    async def _ask(self, number: int, url: str, path: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=40) as client:
            while True:
                began, status, text = time.monotonic(), _WAITING, ""
                try:
                    answer = await client.get(path)
                    status, text = answer.status_code, answer.text
                except httpx.TransportError as error:
                    status, text = 0, str(error)
                finally:  # one that is still waited for at the end counts with what it has taken
                    took = time.monotonic() - began
                    self.answers.append(Probe(began, path, number, status, took, text))
                await asyncio.sleep(_EVERY_S)
