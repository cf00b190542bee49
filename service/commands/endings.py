"""Steps of a command that a signal must not leave half done, such as starting a server for a time, or removing it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def not_interrupted() -> Iterator[None]:
    """In this block signals wait. They end the command afterwards."""
    received: list[int] = []
    before = [(each, signal.signal(each, lambda number, _: received.append(number))) for each in _ENDS]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)
        if received:
            signal.raise_signal(received[0])
