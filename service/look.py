"""One look at a time: whoever asks while a look is under way gets its result, and nobody waits for it for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

_Seen = TypeVar("_Seen")


class Look(Generic[_Seen]):
    """A look at something that may not answer, such as the database of a probe."""

    def __init__(self) -> None:
        self._under_way: asyncio.Task[_Seen] | None = None

    async def within(self, seconds: float, look: Callable[[], Coroutine[Any, Any, _Seen]]) -> _Seen:
        """What a look sees. Raises TimeoutError after `seconds`; the look goes on, and the next who asks gets it."""
        if self._under_way is None or self._under_way.done():
            self._under_way = asyncio.create_task(look())
        done, _ = await asyncio.wait({self._under_way}, timeout=seconds)
        if not done:
            raise TimeoutError
        return self._under_way.result()

    async def stop(self) -> None:
        """End the look that is under way."""
        if self._under_way is not None:
            self._under_way.cancel()
            await asyncio.gather(self._under_way, return_exceptions=True)
