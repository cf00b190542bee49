"""How a signal ends a command: so that whatever the command has begun, such as an embedded server, is ended as well."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, NoReturn, TypeVar

import uvloop

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
_CANCEL_S = 1.0
"""Seconds that work which is given up may take to end. What takes longer waits for a database that is silent."""

_OnSignal = Callable[[int, FrameType | None], None]


@contextmanager
def as_interrupts() -> Iterator[list[int]]:
    """Treat SIGTERM and SIGHUP as Ctrl-C, within this block: it ends with a KeyboardInterrupt. Yields a list to which
    such a signal is added."""
    caught: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):  # a shell without job control starts what is in the background with SIGINT ignored
            raise KeyboardInterrupt
        handler(signal.SIGINT, frame)  # while a loop runs this is asyncio's, which cancels what runs in the loop

    with _handling({signal.SIGTERM: interrupt, **_unless_ignored(interrupt)}):
        yield caught


class StopSignals:
    """The signals of `sihu serve`: the first one stops it, a second one makes it hurry.

    Until the loop runs, a signal is a KeyboardInterrupt. Behind the loop, signals are ignored: what is left to do takes
    seconds, and would leave an embedded server behind if it were broken off.
    """

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.hurry = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_ending = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Handle the signals within this block."""
        with _handling({signal.SIGTERM: self._note, signal.SIGINT: self._note, **_unless_ignored(self._note)}):
            yield

    def run(self, main: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine on an event loop, to which the signals are passed on. What the coroutine leaves behind is not
        waited for."""
        self._loop = uvloop.new_event_loop()
        try:
            return self._loop.run_until_complete(main)
        finally:
            self._is_ending = True

    async def unless_stopped(self, work: Coroutine[Any, Any, _T]) -> _T | None:
        """Return the result of the coroutine `work`; None when a signal came first, which cancels it."""
        working, stopped = asyncio.create_task(work), asyncio.create_task(self.stop.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if working.done():
            return working.result()
        working.cancel()
        working.add_done_callback(_disregard)
        await asyncio.wait({working}, timeout=_CANCEL_S)
        return None

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._is_ending:
            return
        if self._loop is None:
            self._is_ending = True
            raise KeyboardInterrupt
        self._loop.call_soon_threadsafe(self._pass_on, number)

    def _pass_on(self, number: int) -> None:
        if self.stop.is_set():
            self.hurry.set()
            return
        _log.info("stopping: %s", signal.Signals(number).name, extra={"event": "stopping"})
        self.stop.set()


def _disregard(broken_off: asyncio.Task[Any]) -> None:
    """Take note of how work ended that was given up. It may end with an error of its own, such as that of a database
    whose statement was cancelled: nobody is to be told of it."""
    if not broken_off.cancelled():
        broken_off.exception()


def leave(code: int) -> NoReturn:
    """End the process at once, when all is done. The interpreter would first wait for threads, and a thread that looks
    for a host of the database may hang for minutes."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _unless_ignored(handler: _OnSignal) -> dict[signal.Signals, _OnSignal]:
    """The handler of SIGHUP, which comes when a terminal is closed; none under `nohup`, which has it ignored."""
    return {signal.SIGHUP: handler} if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL else {}


@contextmanager
def _handling(handlers: Mapping[signal.Signals, _OnSignal]) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():  # signals belong to the main thread
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
