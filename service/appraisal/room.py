"""The appraisal: the figures of a month, each with its calls."""

from __future__ import annotations

from service.access.identify import API
from service.appraisal import routes
from service.room import Room

ROOM = Room(
    door=API,
    routers=(routes.router,),
)
