"""The room of signing in: pages for people, whose door asks nobody who they are."""

from __future__ import annotations

from service.room import Room
from service.sign_on import forms, oidc_routes, page, routes
from service.sign_on.attempts import FailedSignIns
from service.web.doors import Door

PAGES = Door("/sign-", bodies=forms.BODIES, refusal=page.refusal, open_query=True)
ROOM = Room(door=PAGES, routers=(routes.router, oidc_routes.router), parts=(lambda _: FailedSignIns(),))
