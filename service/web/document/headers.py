"""The headers of answers, each described once in `components/headers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.web.document import tree

_TEXT = {"type": "string"}
_HEADERS: Mapping[str, Mapping[str, Any]] = {
    "ETag": {"description": "the version; send it as `If-Match` or `If-None-Match`", "schema": _TEXT},
    "Location": {"description": "where to read what was made", "schema": {"type": "string", "format": "uri-reference"}},
    "Idempotency-Replayed": {
        "description": "this request was carried out before, and nothing was done a second time",
        "schema": {"type": "string", "const": "true"},
    },
    "Retry-After": {"description": "seconds to wait before the next try", "schema": {"type": "integer", "minimum": 0}},
    "RateLimit-Policy": {
        "description": 'the writes that a subject may send: `"writes";q=500;w=10` are 500 within 10 seconds',
        "schema": _TEXT,
    },
    "RateLimit": {
        "description": "`r`: how many writes are left; `t`: in how many seconds all of them are there again",
        "schema": _TEXT,
    },
    "Accept-Encoding": {"description": "the only coding of a body that is read: `identity`", "schema": _TEXT},
    "WWW-Authenticate": {"description": "how to sign in", "schema": _TEXT},
    "Content-Disposition": {"description": "the name under which to save the file", "schema": _TEXT},
    "Vary": {"description": "the headers of the request by which the answer was chosen", "schema": _TEXT},
    "X-Request-Id": {"description": "the id of the request, as in the log of the service", "schema": _TEXT},
    "Sihu-Now": {
        "description": "the time of the service, to the millisecond",
        "schema": {"type": "string", "format": "date-time"},
    },
    "Content-Language": {"description": "the language of texts for people: zh or en", "schema": _TEXT},
    "Cache-Control": {"description": "no-store; no-cache where there is an ETag", "schema": _TEXT},
    "X-Content-Type-Options": {"description": "nosniff", "schema": _TEXT},
}
_ALWAYS = ("X-Request-Id", "Sihu-Now", "Content-Language", "Cache-Control", "X-Content-Type-Options", "Vary")
_OF_WRITES = ("RateLimit-Policy", "RateLimit")
"""The headers of every answer to a write of somebody who has signed in."""
_NEVER_MISSING = frozenset(_ALWAYS) - {"Sihu-Now"}
"""`Sihu-Now` is missing while a process has not read the database's clock yet."""
_BY_STATUS: Mapping[str, Sequence[str]] = {
    "401": ("WWW-Authenticate",),
    "415": ("Accept-Encoding",),
    "429": ("Retry-After",),
    "503": ("Retry-After",),
}


def of(*names: str) -> dict[str, Any]:
    """The headers of these names, as a response refers to them."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def add(document: dict[str, Any]) -> None:
    """Add to every response the headers that all responses have, and those that come with its status."""
    document.setdefault("components", {})["headers"] = {
        name: {**each, "required": True} if name in _NEVER_MISSING else dict(each) for name, each in _HEADERS.items()
    }
    for _, method, operation in tree.operations(document):
        for status, response in operation["responses"].items():
            counted = _OF_WRITES if method != "get" and operation["security"] and status != "401" else ()
            more = (*_BY_STATUS.get(status, ()), *counted, *_ALWAYS)
            response["headers"] = {**response.get("headers", {}), **of(*more)}
