"""The door of `/v1`: who is asking is settled before the body is read, its size looked at, or anything else refused."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.access import deps
from service.rules.errors import SihuError
from service.web import problems


class Gate:
    """Pure ASGI. Leaves the actor in `scope["actor"]`, or answers 401 (503 while the keys are not loaded)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1/"):
            try:
                scope["actor"] = deps.identify(scope)
            except SihuError as error:
                await problems.response(error, Request(scope))(scope, receive, send)
                return
        await self._app(scope, receive, send)
