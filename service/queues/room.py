"""The queues that department, street and community systems poll."""

from __future__ import annotations

from service.access.identify import API
from service.queues import routes
from service.room import Room

ROOM = Room(
    door=API,
    routers=(routes.router,),
)
