"""The headers that every answer carries (contract §3): those of routes, of refusals before any route, and of faults.

`Cache-Control` is `no-store`, with an `ETag` `no-cache`, unless the route has set its own. `X-Request-Id` is that of
the request, if it is a plain name, or a new one; logs of faults carry it as well. `Sihu-Now` is the service's time when
the answer begins; it is missing while a process has not read the database's clock yet. An answer to HEAD has no body.

A browser that opens an answer by itself runs nothing in it, shows it in no frame and tells no other site where it was:
`Content-Security-Policy` allows nothing, and `Referrer-Policy` is `no-referrer`, unless the answer is a page that says
what it needs.
"""

from __future__ import annotations

import re

from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service import ids
from service.clock import Clock, ClockNotSetError
from service.web.languages import language_of

_REQUEST_ID = "sihu.request_id"
_NOTHING = b"default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_PLAIN_NAME = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_VARY = b"Accept-Language, Authorization, Cookie"
"""Of one version of an incident, each viewer sees as much as its sight shows: what one key or one session was answered,
a cache keeps for it alone."""
Lines = list[tuple[bytes, bytes]]
"""Headers as ASGI has them: lower-case names, and values."""


def install(app: FastAPI, clock: Clock) -> None:
    """Add the headers to every answer of an app, also to the one that its outermost layer gives for a fault."""
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: EveryAnswer(build(), clock)  # type: ignore[method-assign]


def request_id_of(scope: Scope) -> str:
    """The id under which a request is answered and logged; empty where no `EveryAnswer` has seen the request."""
    found: str = scope.get(_REQUEST_ID, "")
    return found


class EveryAnswer:
    """ASGI middleware that adds the headers. `clock` is the service's."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope["headers"])
        scope[_REQUEST_ID] = request_id.decode()
        bare = scope["method"] == "HEAD"

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = completed(message["headers"], request_id, scope, self._clock)
            elif bare:
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, complete)


def completed(lines: Lines, request_id: bytes, scope: Scope, clock: Clock) -> Lines:
    """The headers of one answer, with those that every answer carries."""
    names = {name for name, _ in lines}
    more = [(b"x-content-type-options", b"nosniff"), (b"x-request-id", request_id), (b"vary", _VARY)]
    unless_set = (
        (b"cache-control", b"no-cache" if b"etag" in names else b"no-store"),
        (b"content-security-policy", _NOTHING),
        (b"referrer-policy", b"no-referrer"),
    )
    more += [line for line in unless_set if line[0] not in names]
    if b"content-language" not in names:
        more.append((b"content-language", language_of(scope).value.encode()))
    try:
        now = clock.now()
    except ClockNotSetError:
        return [*lines, *more]
    return [*lines, *more, (b"sihu-now", f"{now.isoformat(timespec='milliseconds')[:-6]}Z".encode())]


def _request_id(lines: Lines) -> bytes:
    for name, value in lines:
        if name == b"x-request-id" and _PLAIN_NAME.fullmatch(value):
            return value
    return ids.new_request_id().encode()
