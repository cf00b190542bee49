"""The embedded server is looked after while `sihu serve` runs: when it dies, it is started again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from service import clock
from service.postgres import EmbeddedError, Server

_log = logging.getLogger(__name__)

_LOOK_S = 0.5
_MAX_DELAY_S = 60.0
_CALM_S = 60.0
"""Seconds for which a server has to run before its next death counts as a first one."""
_DIED = "the embedded PostgreSQL has died and is started again"
_CLOSED = "the embedded PostgreSQL was stopped by somebody else, so it is not started here: start sihu again"


class Caretaker:
    """Looks after the embedded server. `tell` is called with what is wrong with the server, and with an empty text when
    it runs again."""

    def __init__(self, server: Server, tell: Callable[[str], None]) -> None:
        self._server = server
        self._tell = tell
        self._delay_s = 0.0
        self._started_at = -_CALM_S
        self._is_away = False

    async def run(self) -> None:
        """Look at the server until this is cancelled. A server that was stopped on purpose is left alone."""
        while True:
            await asyncio.sleep(_LOOK_S)
            if self._server.is_running():
                self._is_away = False
            elif await asyncio.to_thread(self._server.is_closed):
                self._note(_CLOSED)
            else:
                await self._revive()

    def _note(self, trouble: str) -> None:
        if not self._is_away:
            _log.error("%s", trouble, extra={"event": "embedded_gone"})
        self._is_away = True
        self._tell(trouble)

    async def _revive(self) -> None:
        if clock.monotonic() - self._started_at > _CALM_S:
            self._delay_s = 0.0
        wait = f", in {self._delay_s:.0f} s" if self._delay_s else ""
        self._note(f"{_DIED}{wait}: see server.log in {self._server.data_dir}")
        await asyncio.sleep(self._delay_s)
        self._delay_s = min(max(1.0, self._delay_s * 2), _MAX_DELAY_S)
        self._started_at = began = clock.monotonic()
        try:
            await asyncio.to_thread(self._server.revive)
        except (EmbeddedError, OSError) as error:
            _log.error("%s", error, extra={"event": "embedded_gone"})
            self._tell(str(error))
        else:
            _log.info("the embedded PostgreSQL runs again after %.1f s", clock.monotonic() - began)
            self._is_away = False
            self._tell("")
