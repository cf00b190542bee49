"""The room of keys, and of the sessions that are begun with them."""

from __future__ import annotations

from service.access import me_routes, refusal_routes, routes
from service.access.bearer_token import KnownTokens
from service.access.identify import API
from service.access.key_use import KeyUse
from service.access.key_watch import KeyWatch
from service.access.keyring import Keyring
from service.access.refusals import Refusals
from service.access.sessions import OpenSessions
from service.room import Room

ROOM = Room(
    door=API,
    routers=(routes.router, me_routes.router, refusal_routes.router),
    parts=(
        Refusals,
        KeyWatch,
        KeyUse,
        lambda _: KnownTokens(),
        OpenSessions,
        lambda context: Keyring(context.database),
    ),
)
