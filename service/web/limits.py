"""The limits of a request: the size of its query and the size and type of its body, checked before the body is read,
and headers that say two things at once.

A body whose Content-Length is over the limit is refused at once; the server then drops the rest of the body, and the
connection stays usable. A chunked body is counted by Starlette's own limiter while it is read. For a request without a
body the check costs next to nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.rules.errors import BadRequest, SihuError, TooLarge, UnsupportedMedia
from service.rules.sentences import Sentence
from service.web import header_lines, problems
from service.web.doors import BodyLimits, Door, door_of

QUERY_BYTES = 8 * 1024
_PLAIN = (b"", b"identity")
_ENCODINGS = {"Accept-Encoding": "identity"}
_OUTSIDE = BodyLimits(media=())
"""Outside all doors no route reads a body, so its type does not matter there."""


class Limits:
    """ASGI middleware that checks the limits. It runs after the gate, since 401 comes first (contract §3). `posts`: the
    limits of a POST by its path, where they differ from those of the door."""

    def __init__(self, app: ASGIApp, doors: Sequence[Door], posts: Mapping[str, BodyLimits]) -> None:
        self._app = app
        self._doors = tuple(doors)
        self._posts = dict(posts)
        sizes = {limits.max_bytes for limits in (_OUTSIDE, *(door.bodies for door in doors), *posts.values())}
        self._counted = {size: RequestBodyLimitMiddleware(app, size) for size in sizes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope["query_string"]) > QUERY_BYTES:
            too_long = BadRequest(
                Sentence("The query string has more than {max} bytes: send fewer filters.", max=QUERY_BYTES)
            )
            await self._refuse(too_long, scope, receive, send)
            return
        unsettled = header_lines.settle(scope)
        if unsettled:
            await self._refuse(unsettled, scope, receive, send)
            return
        body = _announced(scope)
        if not body.length and not body.chunked:
            await self._app(scope, receive, send)
            return
        limits = self._limits_of(scope)
        fault = _fault(limits, body)
        if fault:
            await self._refuse(fault, scope, receive, send)
        elif body.chunked:
            await self._counted[limits.max_bytes](scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _limits_of(self, scope: Scope) -> BodyLimits:
        door = door_of(self._doors, scope["path"])
        usual = door.bodies if door else _OUTSIDE
        special = self._posts.get(scope["path"])
        if special is None or scope["method"] == "POST":
            return special or usual
        # another method may send what the POST may, so that it is refused as a method (405) and not for its type (415)
        return replace(special, max_bytes=usual.max_bytes)

    async def _refuse(self, error: SihuError, scope: Scope, receive: Receive, send: Send) -> None:
        door = door_of(self._doors, scope["path"])
        lines = _ENCODINGS if isinstance(error, UnsupportedMedia) else None
        await problems.refusal(error, Request(scope), door, lines)(scope, receive, send)


class _Announced(NamedTuple):
    """What the headers say of the body: Content-Length (0: none), whether it is chunked, its media type in lower case,
    and whether it is encoded."""

    length: int
    chunked: bool
    media: str
    encoded: bool


def _announced(scope: Scope) -> _Announced:
    length, chunked, media, encoded = 0, False, "", False
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = _number(value)
        elif name == b"transfer-encoding":
            chunked = True
            encoded = encoded or value.strip().lower() != b"chunked"
        elif name == b"content-encoding":
            encoded = encoded or value.strip().lower() not in _PLAIN
        elif name == b"content-type":
            media = value.partition(b";")[0].strip().lower().decode("latin-1")
    return _Announced(length, chunked, media, encoded)


def _number(value: bytes) -> int:
    """The value of a Content-Length. One that is no number, or has 20 digits or more, is taken as over every limit."""
    return int(value) if value.isdigit() and len(value) < 20 else sys.maxsize


def _fault(limits: BodyLimits, body: _Announced) -> SihuError | None:
    if body.length > limits.max_bytes:
        return TooLarge(
            Sentence("The body has more than {max} bytes: send less, or several requests.", max=limits.max_bytes)
        )
    if body.encoded:
        return UnsupportedMedia(
            Sentence("Send the body as it is, not compressed: no Content-Encoding is understood here.")
        )
    if limits.media and body.media not in limits.media:
        return UnsupportedMedia(limits.hint)
    return None
