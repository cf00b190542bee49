"""A small app with the plumbing of service/web as main.py puts it together, and a real server around it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final, Literal

import httpx
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.openapi.models import HTTPBearer
from pydantic import ConfigDict, Field, FiniteFloat
from starlette.datastructures import Headers
from starlette.types import Scope

from service import metrics
from service.access.gate import Gate
from service.clock import VirtualClock
from service.rules import errors
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Role, Urgency
from service.web import docs, every_answer, headers, limits, openapi, problems, routing, text, timing
from service.web.answers import answer
from service.web.doors import BULK_BYTES, JSON, ZIP, BodyLimits, Door
from service.web.waiting import HeldRequests
from tests.house import START

KEY = {"Authorization": "Bearer good"}


class Place(text.Body):
    lat: Annotated[FiniteFloat, Field(ge=-90, le=90)]


class Report(text.Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"description": "x", "grid_code": "440105001001001"}]})

    description: Annotated[str, *text.words(40)]
    grid_code: text.GridCode
    urgency: Urgency | None = None
    count: int = 1
    loud: bool = False
    at: text.Moment | None = None
    place: Place | None = None


class Batch(text.Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"items": []}]})

    items: Annotated[list[Report], Field(max_length=500)]


class Filters(text.Params):
    limit: text.Limit = 50
    urgency: Literal["urgent", "normal"] | None = None
    level: Annotated[list[int], text.COMMAS] = []
    overdue: bool | None = None


class OneKey:
    name: Final = "key"
    model: Final = HTTPBearer()
    challenge: Final = "Bearer"

    async def identify(self, scope: Scope) -> Actor | None:
        known = Headers(scope=scope).get("authorization") == KEY["Authorization"]
        return Actor(Role.OPS, "anna") if known else None

    def invitation(self, scope: Scope) -> Sentence:
        return Sentence("Send a key.")


DOOR = Door("/v1/", schemes=(OneKey(),))
POSTS = {
    "/v1/incidents/batch": BodyLimits(BULK_BYTES),
    "/v1/registry/import": BodyLimits(BULK_BYTES, (JSON, ZIP), Sentence("Send JSON, or a zip.")),
}
router = APIRouter(prefix="/v1")


async def _good(scope: Scope) -> None:
    """Nobody's key ends here."""


_HELD = HeldRequests(_good)
_OK: dict[int | str, dict[str, Any]] = {200: {"content": {"application/json": {"example": {"said": "x"}}}}}


def if_match(value: Annotated[str | None, Header(alias="If-Match")] = None) -> frozenset[str] | None:
    return headers.parse_if_match(value)


Key = Annotated[text.IdempotencyKey | None, Header(alias="Idempotency-Key")]


@router.post("/incidents", status_code=201, responses={201: _OK[200], **problems.documented(errors.UnknownCell)})
async def report(body: Report, key: Key = None) -> Response:
    return answer({"said": body.description, "at": body.at}, 201)


@router.post("/incidents/batch", responses=_OK)
async def batch(body: Batch) -> Response:
    return answer({"said": len(body.items)})


@router.get("/incidents", responses=_OK)
async def listing(query: Annotated[Filters, Query()]) -> Response:
    return answer({"said": query.limit})


@router.get("/incidents/{number}", responses={**_OK, **problems.documented(errors.NotFound)})
async def one(number: Annotated[int, Path()]) -> Response:
    return answer({"said": number})


@router.post("/incidents/{number}/answer", responses=_OK)
async def act(number: int, body: Place, fence: Annotated[frozenset[str] | None, Depends(if_match)]) -> Response:
    raise errors.IllegalTransition(Sentence("Reopen it first."), state="closed", allowed=["reopen"])


@router.get("/broken", responses=_OK)
async def broken() -> Response:
    raise RuntimeError("the secret inside")


@router.get("/held", responses=_OK)
async def held(request: Request) -> Response:
    return answer({"said": await _HELD.while_connected(request, asyncio.sleep(0, "news"))})


@router.get("/away", responses=_OK)
async def away() -> Response:
    raise errors.Unavailable(Sentence("Send the same again in a second."))


@router.post("/registry/import", responses=_OK)
async def load(request: Request) -> Response:
    return answer({"said": len(await request.body())})


def make(metric: metrics.Metrics | None = None, note: timing.Note = lambda *_: None) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, redirect_slashes=False)
    measured = metric or metrics.new()
    problems.install(app, (DOOR,), lambda error: measured.fault("http", error))
    docs.install(app)
    app.router.routes.extend(router.routes)
    routing.install(app, (DOOR,))
    openapi.describe(app, (DOOR,))
    app.add_middleware(limits.Limits, doors=(DOOR,), posts=POSTS)
    app.add_middleware(Gate, doors=(DOOR,))
    ticks = itertools.count()
    app.add_middleware(timing.Timed, metrics=measured, timer=lambda: next(ticks) / 1000, note=note)
    every_answer.install(app, VirtualClock(START))
    return app


@contextlib.asynccontextmanager
async def client(app: FastAPI, known: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://sihu", headers=KEY if known else {}) as asking:
        yield asking


@contextlib.asynccontextmanager
async def served(app: FastAPI, **options: Any) -> AsyncIterator[int]:
    """A real uvicorn on loopback; gives its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off", **options))
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:
            await asyncio.sleep(0.01)
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running
