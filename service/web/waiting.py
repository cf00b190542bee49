"""Holding a request until there is something to answer, or until its client hangs up."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request
from starlette.types import Scope

_T = TypeVar("_T")
_HELD = "sihu.held"


async def while_connected(request: Request, waits: Coroutine[Any, Any, _T]) -> _T | None:
    """The result of the coroutine `waits`; None when the client hangs up, which cancels the coroutine. Without this,
    the server would let the handler wait to the end for nobody. The request counts as held from here on.

    HEAD never waits, and the result is None at once: who sends it wants to know how things are.
    """
    if request.method == "HEAD":
        waits.close()
        return None
    request.scope[_HELD] = True
    work, gone = asyncio.create_task(waits), asyncio.create_task(_gone(request))
    try:
        await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            return work.result()
        gone.result()
        return None
    finally:
        work.cancel()
        gone.cancel()
        await asyncio.gather(work, gone, return_exceptions=True)


def was_held(scope: Scope) -> bool:
    """Whether the request was held, however briefly."""
    return _HELD in scope


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
