"""What a signal does to work that runs. Real signals to real processes are in tests/processes/test_stop.py."""

from __future__ import annotations

import asyncio
import gc
import os
import signal

import pytest

from service.commands.signals import StopSignals


async def ends_badly() -> None:
    """Work that a signal breaks off, and that then ends with an error of its own, as a statement may."""
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        raise RuntimeError("the transaction is invalid") from None


def test_nobody_is_told_how_broken_off_work_ended(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio would log a traceback once the task is collected."""
    signals = StopSignals()
    with signals.handled():
        assert signals.run(signals.unless_stopped(ends_badly())) is None
    gc.collect()
    assert [record.name for record in caplog.records if record.exc_info] == []
