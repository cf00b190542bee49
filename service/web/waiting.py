"""Holding a request until there is something to answer, or until its client hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.types import Scope

_T = TypeVar("_T")
_HELD = "sihu.held"
_STATE = "holds"


class HeldRequests:
    """The requests that a process holds. The server puts them into the state of each request (`as_state`)."""

    def __init__(self) -> None:
        self.works: set[asyncio.Task[Any]] = set()
        self.is_released = False

    def release(self) -> None:
        """Let every held request go, as if its time had passed, and hold none from now on."""
        self.is_released = True
        for work in self.works:
            work.cancel()

    def as_state(self) -> dict[str, Any]:
        """The state of the lifespan by which each request of the server finds these holds."""
        return {_STATE: self}


async def while_connected(request: Request, waits: Coroutine[Any, Any, _T]) -> _T | None:
    """The result of the coroutine `waits`; None when the client hangs up, or the process stops and lets go of whoever
    waits: both cancel the coroutine. Without this, the server would let the handler wait to the end for nobody. The
    request counts as held from here on.

    HEAD never waits, and the result is None at once: who sends it wants to know how things are.
    """
    holds = request.scope.get("state", {}).get(_STATE) or HeldRequests()
    if request.method == "HEAD" or holds.is_released:
        waits.close()
        return None
    request.scope[_HELD] = True
    work, gone = asyncio.create_task(waits), asyncio.create_task(_gone(request))
    holds.works.add(work)
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return None if work.cancelled() else work.result()
        gone.result()
        return None
    finally:
        holds.works.discard(work)
        work.cancel()
        gone.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


def was_held(scope: Scope) -> bool:
    """Whether the request was held, however briefly."""
    return _HELD in scope


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
