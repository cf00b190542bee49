"""The room of keys."""

from __future__ import annotations

from service.access import refusal_routes, routes
from service.access.identify import API
from service.access.key_use import KeyUse
from service.access.key_watch import KeyWatch
from service.access.keyring import Keyring
from service.access.refusals import Refusals
from service.room import Room

ROOM = Room(
    door=API,
    routers=(routes.router, refusal_routes.router),
    parts=(Refusals, KeyWatch, KeyUse, lambda context: Keyring(context.database)),
)
