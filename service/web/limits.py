"""What a request may weigh, settled before anything is read. Pure ASGI; next to nothing for a request without a body.

A body announced by Content-Length is refused at once; the server then drops what still comes, and the connection stays
usable. A chunked body is counted while it is read, by Starlette's own limiter.
"""

from __future__ import annotations

from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.rules.errors import BadRequest, SihuError, TooLarge, UnsupportedMedia
from service.web import problems

BODY_BYTES = 64 * 1024
BULK_BYTES = 16 * 1024 * 1024
QUERY_BYTES = 8 * 1024

IMPORT = "/v1/registry/import"
BULK = frozenset({"/v1/incidents/batch", IMPORT})
"""POSTs that carry many rows (contract §3: 16 MiB)."""


class Limits:
    """Middleware. Stands behind whatever asks who is there: 401 comes first (contract §3)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._counted = {most: RequestBodyLimitMiddleware(app, most) for most in (BODY_BYTES, BULK_BYTES)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope["query_string"]) > QUERY_BYTES:
            much = BadRequest(f"The query string has more than {QUERY_BYTES} bytes: send fewer filters.")
            await _refuse(much, scope, receive, send)
            return
        length, chunked, media = _announced(scope)
        if not length and not chunked:
            await self._app(scope, receive, send)
            return
        most = BULK_BYTES if scope["method"] == "POST" and scope["path"] in BULK else BODY_BYTES
        refusal = _refusal(scope["path"], length, media, most)
        if refusal:
            await _refuse(refusal, scope, receive, send)
        elif chunked:
            await self._counted[most](scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _refuse(error: SihuError, scope: Scope, receive: Receive, send: Send) -> None:
    await problems.response(error, Request(scope))(scope, receive, send)


def _announced(scope: Scope) -> tuple[int, bool, bytes]:
    """Content-Length (0 when there is none), whether the length is open, and the media type in lower case."""
    length, chunked, media = 0, False, b""
    for name, value in scope["headers"]:
        if name == b"content-length":
            length = _number(value)
        elif name == b"transfer-encoding":
            chunked = True
        elif name == b"content-type":
            media = value.partition(b";")[0].strip().lower()
    return length, chunked, media


def _number(value: bytes) -> int:
    """What cannot be read, or has digits enough for any size, is over every limit."""
    return int(value) if value.isdigit() and len(value) < 20 else BULK_BYTES + 1


def _refusal(path: str, length: int, media: bytes, most: int) -> SihuError | None:
    if length > most:
        return TooLarge(f"The body has more than {most} bytes: send less, or several requests.")
    if not path.startswith("/v1/") or media == b"application/json":
        return None
    if path == IMPORT:
        if media == b"application/zip":
            return None
        return UnsupportedMedia("Send the bundle with Content-Type: application/json, or application/zip.")
    return UnsupportedMedia("Send the body as JSON, with Content-Type: application/json.")
