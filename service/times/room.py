"""The room of times: policies and working days behind the door of the API."""

from __future__ import annotations

import logging

from service.access.identify import API
from service.context import Context, Part
from service.room import Room
from service.times import coverage, routes

_log = logging.getLogger(__name__)


class CalendarWatch(Part):
    """Says once, at the start of a process, which days the policies in force need and their calendars do not know."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def start(self) -> None:
        gaps = coverage.gaps_of_world(self._context.worlds.world, self._context.clock.now())
        if gaps:
            sentence = "; ".join(gap.warning for gap in gaps)
            _log.warning("%s", sentence, extra={"event": "calendar_gaps"})


ROOM = Room(
    door=API,
    routers=(routes.router,),
    parts=(CalendarWatch,),
)
