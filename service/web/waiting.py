"""Requests that are held: until there is something to say, or nobody is there to hear it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from fastapi import Request

_T = TypeVar("_T")


async def while_connected(request: Request, waits: Coroutine[Any, Any, _T]) -> _T | None:
    """What `waits` comes to; None as soon as the client hangs up, which ends it. The server would not: it lets a
    handler run to its end for nobody."""
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


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
