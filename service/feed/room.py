"""The feed of events. The tail of the log is a part of the process, since every room counts on it."""

from __future__ import annotations

from service.access.identify import API
from service.feed import event_routes, event_types
from service.feed.newest import Newest
from service.feed.old_words import OldWords
from service.room import Room

ROOM = Room(
    door=API,
    routers=(event_routes.router,),
    parts=(Newest, OldWords),
    event_shapes=event_types.shapes,
)
