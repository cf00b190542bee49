"""Refusals as RFC 9457 `application/problem+json`: the status of each family of errors, and one shape for all of them.

`type` is `/docs/problems#<code>`, a page that this service serves itself. `instance` is the path of the request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic_core import to_json
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.rules import errors
from service.rules.errors import SihuError
from service.web import every_answer, faults, problem_examples, routing
from service.web.doors import Door, door_of

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
SCHEMA = "#/components/schemas/Problem"

FAMILIES: Mapping[type[SihuError], int] = {
    errors.Unauthorized: 401,
    errors.BadRequest: 400,
    errors.TooLarge: 413,
    errors.UnsupportedMedia: 415,
    errors.NotFound: 404,
    errors.NotYours: 403,
    errors.VersionMoved: 412,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.Unavailable: 503,
}


class MethodNotAllowed(SihuError):
    """The path does not know the method. This class is not in errors.py, since the rules know nothing of HTTP."""

    code, title = "method_not_allowed", "The path does not know this method"


_OF_HTTP: Mapping[type[SihuError], int] = {MethodNotAllowed: 405, SihuError: 500}
_RETRY = {"Retry-After": "1"}
_BY_STATUS: Mapping[int, type[SihuError]] = {
    401: errors.Unauthorized,
    403: errors.NotYours,
    404: errors.NotFound,
    413: errors.TooLarge,
    415: errors.UnsupportedMedia,
    422: errors.Invalid,
    503: errors.Unavailable,
}
_INTERNAL = "Something went wrong here, not with your request. Send it again; if it stays, tell ops its X-Request-Id."


def tree(family: type[SihuError]) -> Iterator[type[SihuError]]:
    """A family of errors: the class itself and all classes that derive from it."""
    yield family
    for child in family.__subclasses__():
        yield from tree(child)


KINDS = tuple(sorted(tree(SihuError), key=lambda kind: kind.code))
"""Every kind of problem, sorted by code. `SihuError` itself is `internal_error`: its cause is logged, never sent."""
CODES = tuple(kind.code for kind in KINDS)
"""The closed list of codes (contract §3)."""


def status_of(kind: type[SihuError]) -> int:
    """The HTTP status of a kind of problem: that of the nearest family from which the class derives."""
    families = {**_OF_HTTP, **FAMILIES}
    return next(families[each] for each in kind.__mro__ if each in families)


def problem(error: SihuError, instance: str) -> dict[str, Any]:
    """The problem document of a refusal. `instance` is the path of the request, percent-encoded."""
    document: dict[str, Any] = {
        "type": f"/docs/problems#{error.code}",
        "title": error.title,
        "status": status_of(type(error)),
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
    }
    if error.errors:
        document["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in error.errors]
    if isinstance(error, errors.IllegalTransition):
        document["state"], document["allowed"] = error.state, list(error.allowed)
    return document


def refusal(
    error: SihuError, request: Request, door: Door | None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that is refused, in the form of its door and with the headers that belong to its status.
    Outside all doors (`door` None) the answer is a problem document."""
    lines = dict(headers or {})
    if isinstance(error, errors.Unavailable):
        lines.update(_RETRY)
    if isinstance(error, errors.Unauthorized) and door is not None:
        lines["WWW-Authenticate"] = door.challenge
    word = _as_problem if door is None or door.refusal is None else door.refusal
    return word(error, request, lines)


def instance_of(request: Request) -> str:
    """The path of the request, percent-encoded."""
    return quote(request.scope["path"], safe="/:@!$&'()*+,;=~")


def _as_problem(error: SihuError, request: Request, headers: Mapping[str, str]) -> Response:
    content = to_json(problem(error, instance_of(request)))
    return Response(content, status_of(type(error)), headers, media_type=MEDIA_TYPE)


def documented(*kinds: type[SihuError]) -> dict[int | str, dict[str, Any]]:
    """The FastAPI `responses` of these problems: one entry for each status, with one named example for each code."""
    entries: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status = status_of(kind)
        fresh = {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMA}, "examples": {}}}}
        entry = entries.setdefault(status, fresh)
        examples = entry["content"][MEDIA_TYPE]["examples"]
        examples[kind.code] = {"summary": kind.title, "value": _example(kind)}
        entry["description"] = " · ".join(f"`{code}`" for code in examples)
    return entries


def _example(kind: type[SihuError]) -> dict[str, Any]:
    example = problem_examples.of(kind)
    document: dict[str, Any] = {
        "type": f"/docs/problems#{kind.code}",
        "title": kind.title,
        "status": status_of(kind),
        "detail": example.detail,
        "instance": "/v1/incidents",
        "code": kind.code,
        **example.extras,
    }
    if example.errors:
        document["errors"] = [{"pointer": fault.pointer, "detail": fault.detail} for fault in example.errors]
    return document


def install(app: FastAPI, doors: Sequence[Door] = (), count: Callable[[Exception], None] = lambda _: None) -> None:
    """Answer every refusal and every fault of `app` in the form of the door of the request. `count` is called with each
    fault."""
    handlers = _Handlers(doors, count)
    app.add_exception_handler(SihuError, handlers.on_refusal)
    app.add_exception_handler(RequestValidationError, handlers.on_invalid)
    app.add_exception_handler(HTTPException, handlers.on_http)
    app.add_exception_handler(Exception, handlers.on_fault)


class _Handlers:
    def __init__(self, doors: Sequence[Door], count: Callable[[Exception], None]) -> None:
        self._doors = tuple(doors)
        self._count = count

    async def on_refusal(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, SihuError)
        return self._answer(error, request)

    async def on_invalid(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return self._answer(_of_validation(error, request), request)

    async def on_http(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        if error.status_code < 400:
            return Response(status_code=error.status_code, headers=error.headers)
        return self._answer(_of_http(error, request), request, error.headers)

    async def on_fault(self, request: Request, error: Exception) -> Response:
        request_id = every_answer.request_id_of(request.scope)
        extra = {"event": "internal_error", "request_id": request_id}
        sentence = "%s %s failed (X-Request-Id %s)"
        _log.error(sentence, request.method, request.url.path, request_id, exc_info=error, extra=extra)
        self._count(error)
        return self._answer(SihuError(_INTERNAL), request)

    def _answer(self, error: SihuError, request: Request, headers: Mapping[str, str] | None = None) -> Response:
        return refusal(error, request, door_of(self._doors, request.scope["path"]), headers)


def _of_validation(error: RequestValidationError, request: Request) -> SihuError:
    """`NotFound` when only the path is wrong, `ValidationFailed` for everything else."""
    others = [fault for fault in error.errors() if fault["loc"][0] != "path"]
    if not others:
        return errors.NotFound(f"Nothing here has this name: {_pathname(request)}. Check the id or code in the path.")
    route = routing.matched(request.scope)
    return faults.refused([(fault, _expected(route, fault["loc"][0])) for fault in others])


def _expected(route: Any, place: str) -> Any:
    """The annotation of the model of `place` (body or query) in this route; None when the route has no such model."""
    if place == "body":
        return route.body_field.field_info.annotation if route.body_field else None
    fields = route.dependant.query_params if place == "query" else []
    return fields[0].field_info.annotation if len(fields) == 1 else None


def _of_http(error: HTTPException, request: Request) -> SihuError:
    status = error.status_code
    if status == 404:
        return errors.NotFound(f"There is no {_pathname(request)} here. /docs lists what there is.")
    if status == 405:
        return MethodNotAllowed(f"{_pathname(request)} does not know {request.method}: see Allow for what it does.")
    if status == 413:
        return errors.TooLarge("The body is over the limit (64 KiB; batch and import 16 MiB): send less at once.")
    if status >= 500 and status != 503:
        return SihuError(_INTERNAL)
    return _BY_STATUS.get(status, errors.BadRequest)(str(error.detail))


def _pathname(request: Request) -> str:
    path: str = request.scope["path"]
    return path if len(path) <= 100 else path[:99] + "…"
