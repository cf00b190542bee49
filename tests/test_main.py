"""The wiring: every room is served, and a door of another kind needs nothing but itself.

The door below speaks forms and XML and lets in whoever carries a ticket in the query. Gate, limits, problems and the
OpenAPI document have never heard of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Final
from urllib.parse import parse_qs

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.openapi.models import APIKey, APIKeyIn
from starlette.types import Scope

from service import metrics
from service.access.deps import Caller
from service.clock import VirtualClock
from service.context import CurrentContext
from service.main import ROOMS, create_app
from service.room import Room
from service.rules import errors
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.settings import EngineMode, Settings
from service.web import problems
from service.web.document import gaps
from service.web.doors import BodyLimits, Door
from service.web.limits import QUERY_BYTES
from tests.house import START

pytestmark = pytest.mark.anyio

FORM = {"content-type": "application/x-www-form-urlencoded"}
router = APIRouter(prefix="/forms", tags=["forms"])


class Ticket:
    """A scheme that has to wait for somebody before it knows who asks."""

    name: Final = "ticket"
    model: Final = APIKey.model_validate({"name": "ticket", "in": APIKeyIn.query})
    challenge: Final = "Ticket"

    async def identify(self, scope: Scope) -> Actor | None:
        await asyncio.sleep(0)
        ticket = parse_qs(scope["query_string"].decode()).get("ticket")
        return Actor(Role.REPORTER, ticket[0], area="440105") if ticket else None

    def invitation(self, scope: Scope) -> Sentence:
        return Sentence("Buy a ticket.")


def as_xml(error: errors.SihuError, request: Request, headers: Mapping[str, str]) -> Response:
    status = problems.status_of(type(error))
    return Response(f"<error><code>{error.code}</code></error>", status, headers, media_type="text/xml")


@router.post("/requests", responses={200: {"content": {"text/xml": {"example": "<service_request/>"}}}})
async def send_form(
    request: Request, caller: Caller, context: CurrentContext, n: Annotated[int, Query()] = 1
) -> Response:
    fields = parse_qs((await request.body()).decode())
    if "description" not in fields:
        raise errors.ValidationFailed(Sentence("A description is missing."))
    reach = f"{context.worlds.world.version} {caller.subject} {fields['description'][0]} {n}"
    return Response(f"<service_request>{reach}</service_request>", media_type="text/xml")


@router.post("/photos")
async def send_photo(request: Request, caller: Caller) -> Response:
    return Response(f"<bytes>{len(await request.body())}</bytes>", media_type="text/xml")


DOOR = Door(
    "/forms/", (Ticket(),), BodyLimits(1000, (FORM["content-type"],), Sentence("Send a form.")), as_xml, open_query=True
)
FORMS = Room(DOOR, (router,), limits={"/forms/photos": BodyLimits(100_000, ("image/jpeg",), Sentence("Send a JPEG."))})


@pytest.fixture
async def app(haizhu_url: str) -> AsyncIterator[FastAPI]:
    app = create_app(Settings(database_url=haizhu_url, virtual_clock=START), VirtualClock(START), (*ROOMS, FORMS))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        yield app


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu") as client:
        yield client


async def test_another_door_reads_forms_and_answers_xml(client: httpx.AsyncClient) -> None:
    answer = await client.post("/forms/requests?ticket=anna", data={"description": "lamp"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/xml; charset=utf-8")
    assert answer.text == "<service_request>2 anna lamp 1</service_request>"


@pytest.mark.parametrize(
    ("path", "headers", "size", "status", "code"),
    [
        ("requests?n=x", {"content-type": "text/csv"}, 2000, 401, "unauthorized"),
        (f"requests?ticket=anna&n={'1' * QUERY_BYTES}", FORM, 1, 400, "bad_request"),
        ("requests?ticket=anna", {"content-type": "text/csv"}, 1001, 413, "body_too_large"),
        ("requests?ticket=anna", {"content-type": "application/json"}, 1000, 415, "unsupported_media_type"),
        ("photos?ticket=anna", {"content-type": "image/jpeg"}, 100_001, 413, "body_too_large"),
        ("photos?ticket=anna", FORM, 1, 415, "unsupported_media_type"),
        ("requests?ticket=anna&n=x", FORM, 1, 422, "validation_failed"),
        ("requests?ticket=anna", FORM, 1, 422, "validation_failed"),
        ("nothing?ticket=anna", FORM, 1, 404, "not_found"),
    ],
)
async def test_its_refusals_keep_their_order_and_its_shape(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], size: int, status: int, code: str
) -> None:
    answer = await client.post(f"/forms/{path}", content=b"x" * size, headers=headers)
    assert (answer.status_code, answer.text) == (status, f"<error><code>{code}</code></error>")
    assert answer.headers.get("www-authenticate") == ("Ticket" if status == 401 else None)


async def test_its_chunked_bodies_are_counted_by_its_own_limit(client: httpx.AsyncClient) -> None:
    async def chunks(many: int) -> AsyncIterator[bytes]:
        for _ in range(many):
            yield b"x" * 10_000

    picture = {"content-type": "image/jpeg"}
    fits = await client.post("/forms/photos?ticket=anna", content=chunks(10), headers=picture)
    assert fits.text == "<bytes>100000</bytes>"
    over = await client.post("/forms/photos?ticket=anna", content=chunks(11), headers=picture)
    assert (over.status_code, over.headers["content-type"]) == (413, "text/xml; charset=utf-8")


async def test_the_first_door_is_as_it_was(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/units?ticket=anna")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["code"] == "unauthorized"
    assert (await client.get("/healthz")).status_code == 200


async def test_the_document_shows_each_door_its_own_way(app: FastAPI) -> None:
    document = app.openapi()
    assert set(document["components"]["securitySchemes"]) == {"key", "session", "ticket", "token"}
    form, unit = document["paths"]["/forms/requests"]["post"], document["paths"]["/v1/units"]["get"]
    assert (form["security"], unit["security"]) == ([{"ticket": []}], [{"key": []}, {"token": []}, {"session": []}])
    assert problems.MEDIA_TYPE not in str(form)
    missing = gaps.of(document, (ROOMS[0].door, DOOR))
    assert not [each for each in missing if "/forms" in each and "problem" in each]


def test_every_query_parameter_says_what_it_does() -> None:
    """Also whether a bound includes the instant that it names."""
    paths = create_app(Settings(), VirtualClock(START)).openapi()["paths"]
    described = {
        (path, each["name"]): each.get("description", "")
        for path, operations in paths.items()
        for operation in operations.values()
        for each in operation.get("parameters", ())
        if each["in"] == "query"
    }
    assert [place for place, description in described.items() if not description] == []
    bounds = ("reported_after", "reported_before", "updated_after")
    included = ["included" in described["/v1/incidents", each] for each in bounds]
    assert included == [True, False, True]


async def test_an_engine_alone_serves_health_and_nothing_else(haizhu_url: str) -> None:
    app = create_app(Settings(database_url=haizhu_url, engine=EngineMode.ONLY), VirtualClock(START))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu") as client:
        statuses = [(await client.get(path)).status_code for path in ("/healthz", "/metrics", "/docs", "/v1/units")]
    assert statuses == [200, 200, 404, 401]


def test_two_applications_share_nothing() -> None:
    one, other = (create_app(Settings(), VirtualClock(START)).state.context for _ in range(2))
    assert one.metrics is not other.metrics and one.worlds is not other.worlds
    assert isinstance(one.metrics, metrics.Metrics)
