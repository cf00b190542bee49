"""What an integrator may do to time. The engine itself is a part of the process."""

from __future__ import annotations

from service.access.identify import API
from service.escalation import routes
from service.room import Room

ROOM = Room(
    door=API,
    routers=(routes.router,),
)
