"""What the routes and the parts of every room work with: one frozen, typed `Context` a process."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Protocol, TypeVar

from fastapi import Depends, Request
from starlette.types import Scope

from service.clock import Clock
from service.metrics import Metrics
from service.rules.errors import Unavailable
from service.store.database import Database
from service.store.log.writing import Committed
from service.web.cursors import Cursors
from service.worlds import CurrentWorld

_Kind = TypeVar("_Kind")


class Part(Protocol):
    """Something that runs beside requests for as long as the process does. A class that inherits from this one leaves
    out what it does not need."""

    reloads: str = ""
    """The name under which a commit says that `load` has to run again, such as `world`; empty: never."""

    async def load(self) -> None:
        """Read what is needed before anything runs. Raises `Unavailable`; every part is then loaded anew."""
        return

    def start(self) -> None:
        """Begin to run. Called once, when every part is loaded; the parts before this one in the list run already."""
        return

    async def stop(self) -> None:
        """Finish what is under way and take nothing new. The parts before this one in the list still run."""
        return


@dataclass(frozen=True, slots=True)
class Context:
    """One process as the rooms see it.

    `tell` passes a commit on to every reader of the log, and is called after each. `parts` holds what the rooms run
    themselves, by class. `fire_due` exists on the virtual clock alone, where no engine hears of a new deadline.
    """

    database: Database
    worlds: CurrentWorld
    clock: Clock
    metrics: Metrics
    cursors: Cursors
    tell: Callable[[Committed], None]
    parts: Mapping[type, object] = field(default_factory=dict)
    fire_due: Callable[[], Awaitable[int]] | None = None

    def part(self, kind: type[_Kind]) -> _Kind:
        """The part of this class. Raises KeyError when this process has none."""
        found = self.parts[kind]
        assert isinstance(found, kind)
        return found

    async def announce(self, committed: Committed | None) -> None:
        """Pass on a change of the registry, and let the next request of its author see it. None: nothing was written.

        Another process reads the change when its own tail of the log comes past it.
        """
        if committed is None:
            return
        self.tell(committed)
        if "world" in committed.reload:
            # the change is committed all the same: the tail reads it anew when the database is back
            with contextlib.suppress(Unavailable):
                await self.worlds.reload(self.database)
                if self.fire_due is not None:
                    await self.fire_due()


def of(scope: Scope) -> Context:
    """The context of the application that serves a request."""
    context: Context = scope["app"].state.context
    return context


# async, though nothing is awaited: a plain function would be run in a thread, at ten times the cost
async def _of_request(request: Request) -> Context:
    return of(request.scope)


CurrentContext = Annotated[Context, Depends(_of_request)]
