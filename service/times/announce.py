"""After a change of the registry is committed: who hears of it."""

from __future__ import annotations

import contextlib

from fastapi import Request

from service.rules import errors
from service.store.log.writing import Committed


async def tell(request: Request, committed: Committed | None) -> None:
    """Ring everybody, and let the next request of this caller see what it wrote. None: nothing was written."""
    if committed is None:
        return
    state = request.app.state
    state.tail.tell(committed)
    if "world" in committed.reload:
        # it is written all the same: the tail reads it anew when the database is back
        with contextlib.suppress(errors.Unavailable):
            await state.worlds.reload(state.database)
            if state.advancer is not None:  # on the virtual clock no engine hears the bell
                await state.advancer.stay()
