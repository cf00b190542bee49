"""The real service in a process of its own, for measurements over HTTP."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.error import URLError
from urllib.request import urlopen

from service import clock
from service.access import keys as access
from service.access.new_keys import NewKey
from service.commands import sample
from service.commands.database import now_and_world
from service.rules.model import By
from service.rules.words import Role
from service.store.database import Database

_UP_S = 30
_LOOK_S = 0.02


@contextmanager
def serving(url: str, *command: str, ready: str = "/readyz") -> Iterator[int]:
    """Start `python -m COMMAND --port PORT`, and yield the port once it answers. The process ends with the block."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": url, "SIHU_LOG_LEVEL": "error"}  # noqa: TID251 - handed on whole
    # the output of a measurement is JSON, so what a server prints goes elsewhere
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--port", str(port)], env=environment, stdout=sys.stderr
    )
    try:
        _wait(f"http://127.0.0.1:{port}{ready}")
        yield port
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait(address: str) -> None:
    until = clock.monotonic() + _UP_S
    while True:
        try:
            with urlopen(address, timeout=2):
                return
        except (URLError, OSError):
            if clock.monotonic() > until:
                raise
            time.sleep(_LOOK_S)


async def reporters(database: Database, many: int) -> list[dict[str, str]]:
    """Make keys of so many reporters and return their Authorization headers. A load goes round them: one subject alone
    would soon have sent as many writes as it may."""
    return await keys(
        database, [NewKey(Role.REPORTER, area=sample.STREET, subject=f"bench-{number}") for number in range(many)]
    )


async def keys(database: Database, new: Sequence[NewKey]) -> list[dict[str, str]]:
    """Make keys and return their Authorization headers."""
    now, world = await now_and_world(database)
    by = By("ops", "bench")
    made = [await access.create(database, world, now, each, by) for each in new]
    return [{"Authorization": f"Bearer {each.text}"} for each in made]
