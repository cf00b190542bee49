"""Who sent a request: schemes in turn, and what a bearer key must show."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any, Final

import pytest
from fastapi import FastAPI
from fastapi.openapi.models import APIKey, APIKeyIn
from starlette.types import Scope

from service import ids
from service.access.identify import BearerKey, identify
from service.access.keyring import Keyring, digest_of
from service.clock import VirtualClock
from service.context import Context
from service.rules.errors import Unauthorized, Unavailable
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.store.access.keys import Key
from service.store.database import Database
from service.web.doors import Scheme
from tests.access import apps
from tests.access.worlds import CLOSED, LATER, NOW, STREET

pytestmark = pytest.mark.anyio
READER = Actor(Role.AUDITOR, "reader")


@pytest.fixture
async def context(database: Database) -> Context:
    context = apps.context_of(database)
    keyring = context.part(Keyring)
    await keyring.load()
    key = Key(ids.new_id(NOW), Role.AUDITOR, "reader", None, None, None, NOW, NOW + timedelta(hours=1), None)
    await keyring.admit(digest_of("sihu_reader"), key)
    return context


def scope_of(context: Context, authorization: bytes | None = None, query: bytes = b"") -> Scope:
    app = FastAPI()
    app.state.context = context
    headers = [] if authorization is None else [(b"authorization", authorization)]
    return {"type": "http", "app": app, "headers": headers, "query_string": query}


class Ticket:
    """A scheme that has to wait for somebody: `?ticket=` names the subject."""

    name: Final = "ticket"
    model: Final = APIKey.model_validate({"name": "ticket", "in": APIKeyIn.query})
    challenge: Final = "Ticket"

    async def identify(self, scope: Scope) -> Actor | None:
        await asyncio.sleep(0)
        name, _, value = scope["query_string"].decode().partition("=")
        if name != "ticket":
            return None
        if value == "torn":
            raise Unauthorized(Sentence("This ticket is torn."))
        return Actor(Role.REPORTER, value)

    def invitation(self, scope: Scope) -> Sentence:
        return Sentence("Send a ticket.")


@pytest.mark.parametrize("scheme", [b"Bearer", b"bearer", b"BEARER "])
async def test_a_known_key_tells_who_asks(context: Context, scheme: bytes) -> None:
    assert await identify(scope_of(context, scheme + b" sihu_reader"), [BearerKey()]) == READER


@pytest.mark.clause("API2:2023")
@pytest.mark.parametrize(
    ("authorization", "detail"),
    [
        (None, "Send a key"),
        (b"", "should read `Bearer"),
        (b"Bearer", "should read `Bearer"),
        (b"Bearer ", "should read `Bearer"),
        (b"Basic c2lodQ==", "should read `Bearer"),
        (b"sihu_reader", "should read `Bearer"),
        (b"Bearer sihu_stranger", "unknown here, revoked or expired"),
        (b"Bearer sihu_\xff\x00", "unknown here, revoked or expired"),
    ],
)
async def test_anybody_else_is_told_what_is_missing(context: Context, authorization: Any, detail: str) -> None:
    with pytest.raises(Unauthorized, match=detail):
        await identify(scope_of(context, authorization), [BearerKey()])


@pytest.mark.clause("API2:2023", "GB/T 22239 8.1.4.2 c")
async def test_a_key_is_refused_from_the_instant_it_expires(context: Context) -> None:
    assert isinstance(context.clock, VirtualClock)
    context.clock.move_to(NOW + timedelta(hours=1))
    with pytest.raises(Unauthorized):
        await identify(scope_of(context, b"Bearer sihu_reader"), [BearerKey()])


async def test_before_the_keys_are_loaded_nobody_is_refused_for_good(database: Database) -> None:
    with pytest.raises(Unavailable):
        await identify(scope_of(apps.context_of(database), b"Bearer sihu_reader"), [BearerKey()])


async def test_the_first_scheme_that_finds_something_decides(context: Context) -> None:
    schemes: list[Scheme] = [BearerKey(), Ticket()]
    assert await identify(scope_of(context, b"Bearer sihu_reader", b"ticket=anna"), schemes) == READER
    assert (await identify(scope_of(context, None, b"ticket=anna"), schemes)).subject == "anna"
    with pytest.raises(Unauthorized, match="torn"):
        await identify(scope_of(context, None, b"ticket=torn"), schemes)
    with pytest.raises(Unauthorized, match="Send a key"):
        await identify(scope_of(context), schemes)


@pytest.mark.clause("GB/T 22239 8.1.4.2 c")
@pytest.mark.parametrize(
    ("unit", "detail"),
    [
        (STREET, ""),
        (CLOSED, "Unit D-closed, whose key this is, ended at 2026-11-02T17:00:00+08:00. Ask ops"),
        (LATER, "Unit D-later, whose key this is, begins at 2026-11-02T18:00:00+08:00: use it then."),
        ("D-lost", "Unit D-lost, whose key this is, is not in the registry"),
    ],
)
async def test_the_key_of_a_unit_works_while_in_force(context: Context, unit: str, detail: str) -> None:
    key = Key(ids.new_id(NOW), Role.UNIT, unit, unit, None, None, NOW, None, None)
    await context.part(Keyring).admit(digest_of("sihu_unit"), key)
    if not detail:
        assert (await identify(scope_of(context, b"Bearer sihu_unit"), [BearerKey()])).unit == unit
        return
    with pytest.raises(Unauthorized, match=re.escape(detail)):
        await identify(scope_of(context, b"Bearer sihu_unit"), [BearerKey()])
