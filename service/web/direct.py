"""The direct way to a hot route: its parameters are read by a plan that is made once.

The framework looks at the declaration of a route anew for each request, which costs more than everything else that a
report costs before the database. The plan is made of the same declaration and validates with the same validators. It
serves a request in which all parameters are as declared. Any other request goes the framework's way from its
beginning, so there is one place only where a refusal is worded, and the OpenAPI document comes from one declaration.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache
from inspect import iscoroutinefunction
from typing import Any, NamedTuple

from fastapi._compat import ModelField
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_params_to_args
from fastapi.routing import APIRoute
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.web import strict_json

_JSON = frozenset({b"application/json", b"application/json; charset=utf-8"})
"""The values of Content-Type that nearly all clients send. Whatever else stands for JSON is left to the framework."""
_NO_BODY = object()


class DirectRoute(APIRoute):
    """A route that is served directly. Its function returns a response. Its dependencies must do nothing but read the
    request: one that meets a fault is called again on the framework's way, and one that is named twice is called
    twice."""


class NotAsDeclaredError(Exception):
    """A parameter is missing or wrong, or comes in a form that only the framework understands."""


def app_of(route: DirectRoute, usual: ASGIApp) -> ASGIApp:
    """The route as an application. `usual` is the framework's way to the same route.

    Raises:
        TypeError: the route has a parameter of a kind that no plan can read.
    """
    if route.body_field not in (None, *route.dependant.body_params):
        raise TypeError(f"{route.path}: the members of its body are parameters, which only the framework can read")
    endpoint = _plan(route.dependant)
    reads_json = route.body_field is not None

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        content = await request.body() if reads_json else b""
        body = strict_json.read(content) if content else _NO_BODY
        try:
            values = await endpoint.values(request, body)
        except NotAsDeclaredError:
            await usual(scope, _after(content, receive) if reads_json else receive, send)
            return
        response = await endpoint.call(**values)
        await response(scope, receive, send)

    return serve


def _after(content: bytes, receive: Receive) -> Receive:
    """`receive`, for somebody who has not seen the body yet, which was read already."""
    unread: list[Message] = [{"type": "http.request", "body": content, "more_body": False}]

    async def receive_again() -> Message:
        return unread.pop() if unread else await receive()

    return receive_again


class _Plan(NamedTuple):
    """How to call a function of a route, the endpoint or a dependency: where each of its parameters comes from."""

    call: Callable[..., Awaitable[Any]]
    dependencies: tuple[tuple[str | None, _Plan], ...]
    path: tuple[ModelField, ...]
    headers: tuple[tuple[bytes, ModelField], ...]
    query: Callable[[bytes], dict[str, Any]] | None
    body: ModelField | None
    request: str | None

    async def values(self, request: Request, body: Any) -> dict[str, Any]:
        """The arguments of the call.

        Raises:
            NotAsDeclaredError: the request does not have what is declared.
            SihuError: a dependency refuses the request.
        """
        values: dict[str, Any] = {}
        for name, dependency in self.dependencies:
            solved = await dependency.call(**await dependency.values(request, body))
            if name is not None:
                values[name] = solved
        for field in self.path:
            values[field.name] = _validated(field, request.scope["path_params"][field.alias])
        if self.query is not None:
            values |= self.query(request.scope["query_string"])
        for header, field in self.headers:
            found = next((value for name, value in request.scope["headers"] if name == header), None)
            values[field.name] = field.default if found is None else _validated(field, found.decode("latin-1"))
        if self.body is not None:
            values[self.body.name] = _body(self.body, request, body)
        if self.request is not None:
            values[self.request] = request
        return values


def _body(field: ModelField, request: Request, body: Any) -> Any:
    types = {value for name, value in request.scope["headers"] if name == b"content-type"}
    if not isinstance(body, dict) or not types <= _JSON or not types:
        raise NotAsDeclaredError
    return _validated(field, body)


def _validated(field: ModelField, value: Any) -> Any:
    found, errors = field.validate(value)
    if errors:
        raise NotAsDeclaredError
    return found


def _plan(dependant: Dependant) -> _Plan:
    call = dependant.call
    if call is None or not iscoroutinefunction(call) or _has_more(dependant):
        raise TypeError(f"{dependant.path}: {call} takes what only the framework can give it")
    return _Plan(
        call,
        tuple((each.name, _plan(each)) for each in dependant.dependencies),
        tuple(dependant.path_params),
        tuple((field.alias.lower().encode(), field) for field in dependant.header_params),
        _query(dependant.query_params) if dependant.query_params else None,
        next(iter(dependant.body_params), None),
        dependant.request_param_name,
    )


def _has_more(dependant: Dependant) -> bool:
    """Whether a function has parameters of a kind that no plan knows: cookies, a body in several parts, a response to
    change, work for later, or a header without its own name."""
    kinds = (
        dependant.cookie_params,
        dependant.body_params[1:],
        dependant.response_param_name,
        dependant.background_tasks_param_name,
        dependant.http_connection_param_name,
        dependant.security_scopes_param_name,
        [field for field in dependant.header_params if not field.field_info.alias or field.field_info.is_required()],
    )
    return any(kinds)


def _query(fields: list[ModelField]) -> Callable[[bytes], dict[str, Any]]:
    """The reader of a query. What it has found is kept, since clients repeat their queries all day."""

    @lru_cache(maxsize=256)
    def read(query_string: bytes) -> dict[str, Any]:
        values, errors = request_params_to_args(fields, QueryParams(query_string))
        if errors:
            raise NotAsDeclaredError
        return values

    return read
