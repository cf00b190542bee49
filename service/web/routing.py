"""One table of all routes, which finds the route of a request and refuses what no route is there for.

A path without parameters is looked up first, so `/v1/incidents/batch` is never taken for an incident. HEAD is answered
wherever GET is; a method that a path does not know is 405 with `Allow`; a path with a slash too many is 404, never a
redirect. The names in the query, and members that stand twice in a JSON body, are checked here for every route alike.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute, request_response
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from service.web import direct, faults, query_names, strict_json
from service.web.direct import DirectRoute
from service.web.doors import Door, door_of
from service.web.query_names import QueryNames

UNMATCHED = "unmatched"
_PARAMETER = re.compile(r"{[^}]*}")
_Handler = Callable[[Request], Awaitable[Response]]


def matched(scope: Scope) -> Any:
    """The route of a request, with what its routers add to it; None: no route. It has `path`, `dependant`,
    `body_field`."""
    effective = scope.get("fastapi", {}).get("effective_route_context")
    return effective if effective is not None else scope.get("route")


def template(scope: Scope) -> str:
    """The path of the route with the names of its parameters, `/v1/incidents/{incident_id}`; `unmatched` without a
    route."""
    path = getattr(matched(scope), "path", None)
    return path if isinstance(path, str) else UNMATCHED


def install(app: FastAPI, doors: Sequence[Door]) -> RouteTable:
    """Let one table answer for all routes of an app, and return it. Call this once, when all routes are added."""
    table = RouteTable(app.router.routes, doors)
    app.router.routes.insert(0, table)
    return table


@dataclass(frozen=True, slots=True)
class _Served:
    """A route as the table serves it. `query`: the names that its query may have; None: any."""

    route: Route
    app: ASGIApp
    query: QueryNames | None
    reads_json: bool


@dataclass(slots=True)
class _Path:
    """All that can be asked at one path, by method."""

    first: Route
    by_method: dict[str, _Served] = field(default_factory=dict)
    allow: str = ""

    def add(self, route: Route, door: Door | None) -> None:
        if route.path_format != self.first.path_format:
            raise ValueError(f"{route.path_format} and {self.first.path_format} are one path: give it one name")
        reads_json = isinstance(route, APIRoute) and route.body_field is not None
        served = _Served(route, _app_of(route), query_names.of(route, door), reads_json)
        for method in route.methods or ():
            if method in self.by_method:
                raise ValueError(f"{method} {route.path_format} has two routes: take one away")
            self.by_method[method] = served
        if "GET" in self.by_method:
            self.by_method.setdefault("HEAD", self.by_method["GET"])
        self.allow = ", ".join(sorted(self.by_method))


class RouteTable(BaseRoute):
    """The routes of an application by path and method. It stands before them and serves all HTTP requests."""

    def __init__(self, routes: Iterable[BaseRoute], doors: Sequence[Door]) -> None:
        self._fixed: dict[str, _Path] = {}
        self._open: dict[str, _Path] = {}
        for route in routes:
            if not isinstance(route, Route):
                raise TypeError(f"{route!r} is no plain route: add the routes of a router, not the router")
            paths = self._open if route.param_convertors else self._fixed
            path = paths.setdefault(_PARAMETER.sub("{}", route.path_format), _Path(route))
            path.add(route, door_of(doors, route.path))

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return (Match.FULL if scope["type"] == "http" else Match.NONE), {}

    def template_of(self, path: str) -> str:
        """The template of the route at a path, whatever the method; `unmatched` when there is none."""
        found, _ = self._find(path)
        return UNMATCHED if found is None else found.first.path

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, scope["path_params"] = self._find(scope["path"])
        if path is None:
            raise HTTPException(404)
        served = path.by_method.get(scope["method"])
        route = path.first if served is None else served.route
        scope["route"], scope["endpoint"] = route, route.endpoint
        if served is None:
            raise HTTPException(405, headers={"Allow": path.allow})
        if served.query is not None and scope["query_string"]:
            await _demand_known_names(served, served.query, scope, receive)
        await served.app(scope, receive, send)

    def _find(self, path: str) -> tuple[_Path | None, dict[str, Any]]:
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        for each in self._open.values():
            match = each.first.path_regex.fullmatch(path)
            if match is not None:
                return each, match.groupdict()
        return None, {}


async def _demand_known_names(served: _Served, names: QueryNames, scope: Scope, receive: Receive) -> None:
    found = query_names.faults_of(names, scope["query_string"])
    if found:
        if served.reads_json:  # a body that is not JSON is refused before anything else that the request shows
            content = await Request(scope, receive).body()
            strict_json.read(content or b"{}")
        raise faults.of_pointers(found)


class _ReadRequest(Request):
    """A request whose JSON body was read already."""

    content: Any = None

    async def json(self) -> Any:
        return self.content


def _app_of(route: Route) -> ASGIApp:
    usual = route.app
    if isinstance(route, APIRoute) and route.body_field is not None:
        usual = request_response(_reading(route.get_route_handler()))
    return direct.app_of(route, usual) if isinstance(route, DirectRoute) else usual


def _reading(handle: _Handler) -> _Handler:
    """The handler of a route with a JSON body, behind the reader that refuses a member that stands twice. FastAPI would
    hide the reader's refusal, if it called the reader itself."""

    async def handle_read(request: Request) -> Response:
        read = _ReadRequest(request.scope, request.receive)
        content = await read.body()
        if content:
            read.content = strict_json.read(content)
        return await handle(read)

    return handle_read
