"""The appraisal: the figures of a month and the signs that are watched, each with its calls."""

from __future__ import annotations

from service.access.identify import API
from service.appraisal import routes, watch_routes
from service.room import Room

ROOM = Room(
    door=API,
    routers=(routes.router, watch_routes.router),
)
