"""The limits of a subject, right after the gate: before the size of a request is checked, its body read, or anything
else refused (contract §4).

Every answer to a write says how many writes are left (`RateLimit-Policy`, `RateLimit`: draft-ietf-httpapi-
ratelimit-headers). Requests without an actor, such as a failed sign-in or `/healthz`, count nowhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import clock
from service.rules.errors import TooMany
from service.web import problems, shares
from service.web.doors import Door, door_of
from service.web.shares import MAX_WRITES, WRITES_WITHIN_S, Share, Shares
from service.web.waiting import Wakeups

_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY = f'"writes";q={MAX_WRITES};w={WRITES_WITHIN_S}'.encode()


class ShareLimits:
    """ASGI middleware that counts the requests of each subject, and refuses those beyond its share with 429."""

    def __init__(self, app: ASGIApp, doors: Sequence[Door], wakeups: Wakeups) -> None:
        self._app = app
        self._doors = tuple(doors)
        self._wakeups = wakeups
        self._shares = Shares()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        actor = scope.get("actor")
        if actor is None:
            await self._app(scope, receive, send)
            return
        share = self._shares.of(actor.subject)
        try:
            share.admit()
        except TooMany as error:
            await asyncio.sleep(share.refusal_delay_s(clock.monotonic()))
            await self._refuse(error, scope, receive, _counting(share, scope, send))
            return
        token = shares.take(share)
        try:
            await self._admitted(share, scope, receive, send)
        finally:
            shares.give_back(token)
            share.open -= 1

    async def _admitted(self, share: Share, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in _READS:
            await self._app(scope, receive, send)
            return
        try:
            share.take_write(clock.monotonic())
        except TooMany as error:
            await self._refuse(error, scope, receive, _counting(share, scope, send))
            return
        with self._wakeups.give_way():
            await self._app(scope, receive, _counting(share, scope, send))

    async def _refuse(self, error: TooMany, scope: Scope, receive: Receive, send: Send) -> None:
        door = door_of(self._doors, scope["path"])
        await problems.refusal(error, Request(scope), door)(scope, receive, send)


def _counting(share: Share, scope: Scope, send: Send) -> Send:
    """`send`, for a write with the headers of the bucket as it is now."""
    if scope["method"] in _READS:
        return send
    left, full_in_s = share.writes(clock.monotonic())

    async def complete(message: Message) -> None:
        if message["type"] == "http.response.start":
            state = f'"writes";r={left};t={full_in_s}'.encode()
            message["headers"] = [*message["headers"], (b"ratelimit-policy", _POLICY), (b"ratelimit", state)]
        await send(message)

    return complete
