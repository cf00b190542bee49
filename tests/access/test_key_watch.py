"""A held request ends within 250 ms of its key: revoked or replaced, here or by another process, or expired; and of the
unit whose key it is."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from service.access import keys
from service.access.key_watch import KeyWatch
from service.access.keyring import Keyring
from service.access.keys import Created
from service.access.new_keys import NewKey
from service.feed.tail import GATHER_S, POLL_S
from service.rules.model import By
from service.rules.words import Role
from tests.house import COMMUNITY, START, STREET, House

pytestmark = pytest.mark.anyio

TEAM = f"{STREET}-team-1"
BY = By("ops", "tests")
FEED = ("/v1/events", {"after": "now", "wait": 20})
QUEUE = (f"/v1/queues/{COMMUNITY}", {"wait": 20})


async def a_key(house: House, unit: str = COMMUNITY, **options: Any) -> Created:
    process = house.process
    wanted = NewKey(Role.UNIT, unit=unit, **options)
    made = await keys.create(process.database, process.worlds.world, START, wanted, BY)
    await process.context.part(Keyring).load()
    return made


async def held(house: House, key: Created, path: str, query: dict[str, Any]) -> asyncio.Task[httpx.Response]:
    await house.sealed()
    lines = {"Authorization": f"Bearer {key.text}", "If-None-Match": "*"}
    poll = asyncio.create_task(house.send("community", "GET", path, headers=lines, **query))
    async with asyncio.timeout(5):
        while len(house.process.held) == 0:
            await asyncio.sleep(0.01)
    return poll


async def is_ended(poll: asyncio.Task[httpx.Response]) -> None:
    assert POLL_S + GATHER_S + KeyWatch.PAUSE_S < 0.25  # the rest is how busy the machine is
    answer = await asyncio.wait_for(poll, 5)  # it would wait for 20 s
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.clause("API2:2023")
@pytest.mark.parametrize(("path", "query"), [FEED, QUEUE])
async def test_a_key_that_is_revoked_ends_the_wait(house: House, path: str, query: dict[str, Any]) -> None:
    key = await a_key(house)
    poll = await held(house, key, path, query)
    assert (await house.send("ops", "DELETE", f"/v1/keys/{key.key.id}")).status_code == 204
    await is_ended(poll)


@pytest.mark.parametrize(("path", "query"), [FEED, QUEUE])
async def test_a_revocation_of_another_process_ends_the_wait(house: House, path: str, query: dict[str, Any]) -> None:
    key = await a_key(house)
    poll = await held(house, key, path, query)
    await keys.revoke(house.process.database, house.process.worlds.world, START, key.key.id, BY)
    await is_ended(poll)


@pytest.mark.parametrize(("path", "query"), [FEED, QUEUE])
async def test_a_key_that_expires_ends_the_wait(house: House, path: str, query: dict[str, Any]) -> None:
    key = await a_key(house, expires_at=START + timedelta(hours=1))
    other = await a_key(house, expires_at=START + timedelta(hours=2))
    poll, stays = await held(house, key, path, query), await held(house, other, path, query)
    await house.advance(seconds=3600)
    await is_ended(poll)
    assert not stays.done()
    await house.advance(seconds=3600)
    await is_ended(stays)


@pytest.mark.parametrize("here", [True, False])
async def test_a_key_that_is_replaced_ends_the_wait(house: House, here: bool) -> None:
    key = await a_key(house)
    poll = await held(house, key, *FEED)
    if here:
        answer = await house.send("ops", "POST", f"/v1/keys/{key.key.id}/rotate", {"overlap_s": 0})
        assert answer.status_code == 201
    else:
        process = house.process
        await keys.rotate(process.database, process.worlds.world, START, key.key.id, 0, BY)
    await is_ended(poll)


async def ending(house: House, at: datetime) -> None:
    """Let the team's row in the registry end, and this process read it."""
    process = house.process
    async with process.database.begin() as tx:
        await tx.execute(text("UPDATE unit SET valid_to = :at WHERE code = :code"), {"at": at, "code": TEAM})
    await process.worlds.reload(process.database)


async def test_a_unit_that_ends_ends_the_wait(house: House) -> None:
    await ending(house, START + timedelta(hours=1))
    poll = await held(house, await a_key(house, TEAM), *FEED)
    stays = await held(house, await a_key(house), *FEED)
    await house.advance(seconds=3600)
    await is_ended(poll)
    assert not stays.done()
    stays.cancel()


async def test_a_registry_without_the_unit_ends_the_wait(house: House) -> None:
    poll = await held(house, await a_key(house, TEAM), *FEED)
    await ending(house, START)
    await is_ended(poll)


async def test_a_key_that_is_bound_to_networks_ends_the_wait(house: House) -> None:
    """Nobody can do so but in the database itself; the watch goes on all the same."""
    key, other = await a_key(house), await a_key(house)
    poll, stays = await held(house, key, *FEED), await held(house, other, *FEED)
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE access_key SET allow = '{10.0.0.0/8}' WHERE id = :id"), {"id": key.key.id})
    await house.process.context.part(Keyring).load()
    answer = await asyncio.wait_for(poll, 5)
    assert (answer.status_code, answer.json()["code"]) == (403, "address_not_allowed")
    await keys.revoke(house.process.database, house.process.worlds.world, START, other.key.id, BY)
    await is_ended(stays)
