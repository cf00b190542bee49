"""The room of the virtual clock, with which integrators try the service. The engine is no room: each process has
one."""

from __future__ import annotations

from service.access.identify import API
from service.escalation import routes
from service.room import Room

ROOM = Room(
    door=API,
    routers=(routes.router,),
)
