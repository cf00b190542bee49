"""The room of times: policies and working days behind the door of the API."""

from __future__ import annotations

from service.access.identify import API
from service.room import Room
from service.times import routes

ROOM = Room(
    door=API,
    routers=(routes.router,),
)
