"""How a command that makes things for a time ends when somebody ends it: with nothing left behind."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """In this block SIGTERM and SIGHUP end the command as Ctrl-C does, so that its blocks clean up."""
    before = [(each, signal.signal(each, signal.default_int_handler)) for each in _ENDS]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)


@contextmanager
def not_interrupted() -> Iterator[None]:
    """In this block signals wait, so that what it begins or removes is never left half done. They end the command
    afterwards."""
    received: list[int] = []
    before = [(each, signal.signal(each, lambda number, _: received.append(number))) for each in _ENDS]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)
        if received:
            raise KeyboardInterrupt
