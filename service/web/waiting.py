"""Holding a request until there is something to answer, or until its client hangs up.

Every held request of a process is known to its `HeldRequests`: it ends when its key ends, and all of them end at once
when the process stops. Whoever has news for many wakes them through `Wakeups`, a few at a time.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from fastapi import Request
from starlette.types import Scope

from service import clock
from service.rules.errors import NotYours, SihuError, Unauthorized, Unavailable
from service.web import shares

_T = TypeVar("_T")
_HELD = "sihu.held"
_AT_ONCE = 4
"""How many are woken in one turn of the event loop; one alone while somebody writes."""
_REST = 3
"""The pause after a turn lasts so many times as long as the turn."""
_GIVE_WAY_S = 0.005
"""How long a turn waits for a write that is on its way."""

CredentialLook = Callable[[Scope], Awaitable[object]]
"""A look at the credentials of a request. Raises `Unauthorized` when they are good no more, `NotYours` when they are
not for use from where it comes, `Unavailable` when nobody can tell."""


class Wakeups:
    """Wakes those who wait, the first first and a few at a time, so that the answers to many leave room for everything
    else that the process does, and above all for writes."""

    def __init__(self) -> None:
        self._due: deque[asyncio.Future[None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._writes = 0
        self._no_writes = asyncio.Event()
        self._no_writes.set()

    def wake(self, waiter: asyncio.Future[None]) -> None:
        """Set the result of the future, now or a little later."""
        self._due.append(waiter)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    @contextmanager
    def give_way(self) -> Iterator[None]:
        """Let a write go before those who wait, for as long as the block lasts."""
        self._writes += 1
        self._no_writes.clear()
        try:
            yield
        finally:
            self._writes -= 1
            if self._writes == 0:
                self._no_writes.set()

    async def _run(self) -> None:
        try:
            while self._due:
                if self._writes:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_GIVE_WAY_S):
                            await self._no_writes.wait()
                began = clock.monotonic()
                self._turn(1 if self._writes else _AT_ONCE)
                await _answers()
                await asyncio.sleep(_REST * (clock.monotonic() - began))
        finally:
            self._task = None

    def _turn(self, many: int) -> None:
        while self._due and many:
            waiter = self._due.popleft()
            if not waiter.done():
                waiter.set_result(None)
                many -= 1


async def _answers() -> None:
    """Let those who were woken go as far as their answer."""
    for _ in range(3):
        await asyncio.sleep(0)


class HeldRequests:
    """The requests that are held at this moment. `look` looks at the credentials of a request."""

    def __init__(self, look: CredentialLook) -> None:
        self._look = look
        self._ends: dict[asyncio.Future[None], Scope] = {}
        self.is_released = False

    def __len__(self) -> int:
        return len(self._ends)

    async def while_connected(self, request: Request, waits: Coroutine[Any, Any, _T]) -> _T | None:
        """The result of the coroutine `waits`; None when the client hangs up or the process stops, which cancels the
        coroutine. Without this, the server would let the handler wait to the end for nobody. The request counts as held
        from here on.

        HEAD never waits, and the result is None at once: who sends it wants to know how things are.

        Raises:
            Unauthorized, NotYours: the credentials of the request are good no more.
            Unavailable: nobody can tell whether they are.
            TooMany: as many requests of its subject wait already.
        """
        if request.method == "HEAD" or self.is_released:
            waits.close()
            return None
        try:
            with shares.waiting():
                request.scope[_HELD] = True
                result = await self._first(request, waits)
        finally:
            waits.close()
        await self._look(request.scope)
        return result

    async def _first(self, request: Request, waits: Coroutine[Any, Any, _T]) -> _T | None:
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        work, gone = asyncio.create_task(waits), asyncio.create_task(_gone(request))
        self._ends[end] = request.scope
        try:
            ends: tuple[asyncio.Future[Any], ...] = (work, gone, end)
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for each in (end, gone):
                if each.done():
                    each.result()
            return work.result() if work.done() else None
        finally:
            del self._ends[end]
            work.cancel()
            gone.cancel()
            await asyncio.gather(work, gone, return_exceptions=True)

    async def look_again(self) -> None:
        """End the requests whose credentials are good no more, with 401 or 403. To be called whenever keys change or
        end. Where nobody can tell now, the request is looked at once more before it is answered."""
        for end, scope in list(self._ends.items()):
            try:
                await self._look(scope)
            except (Unauthorized, NotYours) as error:
                _end(end, error)
            except Unavailable:
                continue

    def release(self) -> None:
        """Let every held request go, as if its time had passed, and hold none from now on."""
        self.is_released = True
        for end in list(self._ends):
            _end(end, None)


def _end(end: asyncio.Future[None], error: SihuError | None) -> None:
    if end.done():
        return
    if error is None:
        end.set_result(None)
    else:
        end.set_exception(error)


def was_held(scope: Scope) -> bool:
    """Whether the request was held, however briefly."""
    return _HELD in scope


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
