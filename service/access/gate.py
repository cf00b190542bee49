"""The gate: a request shows who sent it before its size is checked, its body is read, or anything else is refused."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access.identify import identify
from service.rules import access
from service.rules.errors import SihuError
from service.web import problems
from service.web.doors import Door, door_of
from service.web.request_log import READS
from service.web.waiting import CredentialLook


class Gate:
    """ASGI middleware that puts the actor into `scope["actor"]`, or answers 401, 403 or 503, as `identify` says; 403 as
    well for a write of who only reads. Behind a door without schemes, and outside all doors, requests pass without an
    actor."""

    def __init__(self, app: ASGIApp, doors: Sequence[Door]) -> None:
        self._app = app
        self._doors = tuple(doors)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            door = door_of(self._doors, scope["path"])
            if door is not None and door.schemes:
                try:
                    actor = scope["actor"] = await identify(scope, door.schemes)
                    if scope["method"] not in READS:
                        access.demand_writer(actor)
                except SihuError as error:
                    await problems.refusal(error, Request(scope), door)(scope, receive, send)
                    return
        await self._app(scope, receive, send)


def look_again(doors: Sequence[Door]) -> CredentialLook:
    """A second look at who sent a request that was let in before. Raises `Unauthorized` or `NotYours` when its
    credential is good no more, `Unavailable` when nobody can tell."""

    async def look(scope: Scope) -> None:
        door = door_of(doors, scope["path"])
        if door is not None and door.schemes:
            await identify(scope, door.schemes)

    return look
