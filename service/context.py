"""The `Context` of a process: what the routes and the parts of every room work with. It is frozen and typed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, NamedTuple, Protocol, TypeVar, cast

from fastapi import Depends, Request
from starlette.types import Scope

from service.clock import Clock
from service.metrics import Metrics
from service.rules.errors import Unavailable
from service.rules.model import Actor
from service.rules.sight import Viewer
from service.rules.world import World
from service.store.database import Database
from service.store.log.writing import Committed
from service.web.cursors import Cursors
from service.worlds import CurrentWorld

_Kind = TypeVar("_Kind")


class Part(Protocol):
    """Something that lives as long as the process and works outside requests, such as the intake of reports. A class
    that inherits from `Part` overrides only what it needs."""

    reloads: str = ""
    """The name, such as `world`, by which a commit asks for `load` to run again; empty: no commit asks for it."""

    async def load(self) -> None:
        """Read what the part needs before it can run. Raises `Unavailable`; then all parts are loaded once more."""
        return

    def start(self) -> None:
        """Begin to run. The process calls this once, when all parts are loaded and the earlier parts of the list
        run."""
        return

    async def stop(self) -> None:
        """Begin nothing new and finish what was begun. The earlier parts of the list still run."""
        return


class TaskPart(Part):
    """A part whose work is one task, which goes on from the start until the stop cancels it."""

    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        """Do the work, for as long as the process runs."""
        raise NotImplementedError


class TurnFault(NamedTuple):
    """How a turn that failed is told: the place that the metric of faults names, and the name and the sentence of a
    line of the log."""

    where: str
    event: str
    sentence: str


class RepeatedPart(TaskPart):
    """A part that takes a turn after each pause. Whatever becomes of one turn, the next one comes."""

    PAUSE_S: ClassVar[float]
    FAULT: ClassVar[TurnFault]

    def __init__(self, context: Context) -> None:
        self._context = context

    async def turn(self) -> None:
        """Do the work of one turn."""
        raise NotImplementedError

    async def _run(self) -> None:
        where, event, sentence = self.FAULT
        while True:
            await asyncio.sleep(self.PAUSE_S)
            try:
                await self.turn()
            except Unavailable:
                pass  # the outage is in the log already
            except Exception as error:
                logging.getLogger(type(self).__module__).exception(sentence, extra={"event": event})
                self._context.metrics.fault(where, error)


@dataclass(frozen=True, slots=True)
class Context:
    """What one process offers its rooms.

    `database` has the connections of whoever holds the context: people's in a request, and in a part those that no
    request may take. `tell` passes a commit on to the readers of the log, and is to be called after every commit.
    `parts` holds the running parts by their class. `fire_due` fires what is due and exists on the virtual clock only,
    where no engine runs that would learn of a new deadline.
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
        return cast("_Kind", self.parts[kind])

    def viewer(self, actor: Actor, world: World | None = None) -> Viewer:
        """Whoever looks now, at the newest world of this process unless another one is named."""
        return Viewer(actor, world or self.worlds.world, self.clock.now(), self.cursors.secret)

    async def announce(self, committed: Committed | None) -> None:
        """Pass on a commit that changes the registry, and let this process read the change. None: nothing was written.

        Every other process reads the change when its own tail of the log reaches the commit.
        """
        if committed is None:
            return
        self.tell(committed)
        if "world" in committed.reload:
            # the change is committed all the same: the tail has it read once the database can be reached again
            with contextlib.suppress(Unavailable):
                await self.worlds.reload(self.database)
                if self.fire_due is not None:
                    await self.fire_due()


def of(scope: Scope) -> Context:
    """The context of the application that serves a request."""
    context: Context = scope["app"].state.context
    return context


# async although it awaits nothing: FastAPI runs a plain function in a thread, which costs ten times as much
async def _of_request(request: Request) -> Context:
    return of(request.scope)


CurrentContext = Annotated[Context, Depends(_of_request)]
