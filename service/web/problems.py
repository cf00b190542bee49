"""Refusals as RFC 9457 `application/problem+json`: the status of each family of errors, and one shape for all of them.

`type` is `/docs/problems#<code>`, a page that this service serves itself. `instance` is the path of the request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic_core import from_json, to_json
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.rules import errors
from service.rules.errors import Pointer, SihuError
from service.rules.sentences import Sentence
from service.rules.words import State
from service.web import every_answer, faults, languages, problem_examples, request_log, routing
from service.web.doors import Door, door_of
from service.web.languages import Language
from service.web.problem_shape import FieldProblem, Problem

_log = logging.getLogger(__name__)

OF_A_BODY = (errors.BadJson, errors.TooLarge, errors.UnsupportedMedia, errors.ValidationFailed)
"""The problems of every route that reads a body."""
MEDIA_TYPE = "application/problem+json"
SCHEMA = "#/components/schemas/Problem"

FAMILIES: Mapping[type[SihuError], int] = {
    errors.Unauthorized: 401,
    errors.BadRequest: 400,
    errors.TooLarge: 413,
    errors.HeadTooLarge: 431,
    errors.TooSlow: 408,
    errors.UnsupportedMedia: 415,
    errors.NotFound: 404,
    errors.NotYours: 403,
    errors.HistoryChanged: 410,
    errors.CursorExpired: 410,
    errors.VersionMoved: 412,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.TooMany: 429,
    errors.InternalError: 500,
    errors.Unavailable: 503,
}


class MethodNotAllowed(SihuError):
    """The path does not know the method. This class is not in errors.py, since the rules know nothing of HTTP."""

    code, title = "method_not_allowed", Sentence("The path does not know this method")


_OF_HTTP: Mapping[type[SihuError], int] = {MethodNotAllowed: 405}
_BY_STATUS: Mapping[int, type[SihuError]] = {
    401: errors.Unauthorized,
    403: errors.NotYours,
    415: errors.UnsupportedMedia,
    422: errors.Invalid,
    503: errors.Unavailable,
}
"""The kinds of problem that a status of the framework stands for. Its own words are for programmers; the example of the
kind is for people."""
_INTERNAL = problem_examples.of(errors.InternalError).detail


def tree(family: type[SihuError]) -> Iterator[type[SihuError]]:
    """A family of errors: the class itself and all classes that derive from it."""
    yield family
    for child in family.__subclasses__():
        yield from tree(child)


KINDS = tuple(sorted((kind for kind in tree(SihuError) if kind is not SihuError), key=lambda kind: kind.code))
"""Every kind of problem, sorted by code."""
CODES = tuple(kind.code for kind in KINDS)
"""The closed list of codes (contract §3)."""


def status_of(kind: type[SihuError]) -> int:
    """The HTTP status of a kind of problem: that of the nearest family from which the class derives."""
    families = {**_OF_HTTP, **FAMILIES}
    return next(families[each] for each in kind.__mro__ if each in families)


def problem(error: SihuError, instance: str, language: Language = Language.EN) -> Problem:
    """The problem document of a refusal. `instance` is the path of the request, percent-encoded."""
    document = _document(type(error), error.detail, error.errors, instance)
    if isinstance(error, errors.IllegalTransition):
        document["state"], document["allowed"] = State(error.state), list(error.allowed)
    if isinstance(error, errors.HistoryChanged | errors.CursorExpired):
        document["oldest"] = error.oldest
    if isinstance(error, errors.HistoryChanged):
        document["common"] = error.common
    return languages.shown(document, language)


def _document(kind: type[SihuError], detail: Sentence, pointers: Sequence[Pointer], instance: str) -> Problem:
    document: Problem = {
        "type": f"/docs/problems#{kind.code}",
        "title": kind.title,
        "status": status_of(kind),
        "detail": detail,
        "instance": instance,
        "code": kind.code,
        "retryable": kind.retryable,
    }
    if pointers:
        document["errors"] = [_field_problem(each) for each in pointers]
    return document


def _field_problem(fault: Pointer) -> FieldProblem:
    found: FieldProblem = {"pointer": fault.pointer, "detail": fault.detail, "rule": fault.rule}
    return cast("FieldProblem", {**found, **fault.bounds})  # the bounds have names that the rule gives them


def refusal(
    error: SihuError, request: Request, door: Door | None, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that is refused, in the form of its door and with the headers that belong to its status.
    Outside all doors (`door` None) the answer is a problem document."""
    request_log.mark(request.scope, error.code)
    lines = dict(headers or {})
    if isinstance(error, errors.Unavailable | errors.TooMany):
        lines["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, errors.Unauthorized) and door is not None and door.challenge:
        lines["WWW-Authenticate"] = door.challenge
    word = _as_problem if door is None or door.refusal is None else door.refusal
    return word(error, request, lines)


def answered(error: SihuError, request: Request) -> Problem:
    """The problem document of a refusal of this request."""
    return problem(error, instance_of(request), languages.language_of(request.scope))


def instance_of(request: Request) -> str:
    """The path of the request, percent-encoded."""
    return quote(request.scope["path"], safe="/:@!$&'()*+,;=~")


def _as_problem(error: SihuError, request: Request, headers: Mapping[str, str]) -> Response:
    return Response(to_json(answered(error, request)), status_of(type(error)), headers, media_type=MEDIA_TYPE)


def documented(*kinds: type[SihuError]) -> dict[int | str, dict[str, Any]]:
    """The FastAPI `responses` of these problems: one entry for each status, with one named example for each code."""
    entries: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        status = status_of(kind)
        fresh = {"description": "", "content": {MEDIA_TYPE: {"schema": {"$ref": SCHEMA}, "examples": {}}}}
        entry = entries.setdefault(status, fresh)
        examples = entry["content"][MEDIA_TYPE]["examples"]
        examples[kind.code] = {"summary": kind.title, "value": _plain(example_of(kind))}
        entry["description"] = " · ".join(f"`{code}`" for code in examples)
    return entries


def example_of(kind: type[SihuError]) -> dict[str, Any]:
    """An example of a problem document, with its sentences."""
    example = problem_examples.of(kind)
    return {**_document(kind, example.detail, example.errors, "/v1/incidents"), **example.extras}


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = from_json(to_json(document))
    return plain


def install(app: FastAPI, doors: Sequence[Door] = (), count: Callable[[Exception], None] = lambda _: None) -> None:
    """Answer every refusal and every fault of `app` in the form of the door of the request. `count` is called with each
    fault."""
    handlers = _Handlers(doors, count)
    app.add_exception_handler(SihuError, handlers.on_refusal)
    app.add_exception_handler(RequestValidationError, handlers.on_invalid)
    app.add_exception_handler(HTTPException, handlers.on_http)
    app.add_exception_handler(ClientDisconnect, handlers.on_hang_up)
    app.add_exception_handler(Exception, handlers.on_fault)


class _Nothing(Response):
    """What a client receives that hung up before its body was sent: no answer. It is no fault of anybody here."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        return


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

    async def on_hang_up(self, request: Request, error: Exception) -> Response:
        return _Nothing()

    async def on_fault(self, request: Request, error: Exception) -> Response:
        request_id = every_answer.request_id_of(request.scope)
        extra = {"event": "internal_error", "request_id": request_id}
        sentence = "%s %s failed (X-Request-Id %s)"
        route = routing.template(request.scope)  # not the path, in which anything may stand
        _log.error(sentence, request.method, route, request_id, exc_info=error, extra=extra)
        self._count(error)
        return self._answer(errors.InternalError(_INTERNAL), request)

    def _answer(self, error: SihuError, request: Request, headers: Mapping[str, str] | None = None) -> Response:
        return refusal(error, request, door_of(self._doors, request.scope["path"]), headers)


def _of_validation(error: RequestValidationError, request: Request) -> SihuError:
    """`NotFound` when only the path is wrong, `ValidationFailed` for everything else."""
    others = [fault for fault in error.errors() if fault["loc"][0] != "path"]
    if not others:
        return errors.NotFound(
            Sentence("Nothing here has this name: {path}. Check the id or code in the path.", path=_pathname(request))
        )
    route = routing.matched(request.scope)
    return faults.refused([(fault, _expected(route, fault["loc"][0])) for fault in others])


def _expected(route: Any, place: str) -> Any:
    """The annotation of the model of `place` (body or query) in this route; None when the route has no such model."""
    if place == "body":
        return route.body_field.field_info.annotation if route.body_field else None
    fields = route.dependant.query_params if place == "query" else []
    return fields[0].field_info.annotation if len(fields) == 1 else None


def _of_http(error: HTTPException, request: Request) -> SihuError:
    status, path = error.status_code, _pathname(request)
    if status == 404:
        return errors.NotFound(Sentence("There is no {path} here. /docs lists what there is.", path=path))
    if status == 405:
        return MethodNotAllowed(
            Sentence("{path} does not know {method}: see Allow for what it does.", path=path, method=request.method)
        )
    if status == 413:
        return errors.TooLarge(
            Sentence("The body is over the limit (64 KiB; batch and import 16 MiB): send less at once.")
        )
    if status >= 500 and status != 503:
        return errors.InternalError(_INTERNAL)
    kind = _BY_STATUS.get(status)
    if kind is not None:
        return kind(problem_examples.of(kind).detail)
    return errors.BadRequest(Sentence("The request cannot be read. /docs shows what this path takes: correct it."))


def _pathname(request: Request) -> str:
    path: str = request.scope["path"]
    return path if len(path) <= 100 else path[:99] + "…"
