"""A session ends when it should, everywhere: by its own times, with its key, signed out here or by another process."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from service.access import keys
from service.access.keyring import Keyring
from service.access.sessions import IDLE, OpenSessions
from service.feed.tail import GATHER_S, POLL_S
from service.main import create_app
from service.rules.model import By
from service.settings import Settings
from service.store.access.keys import KeyFilter
from service.store.database import Database
from tests.docs import pages
from tests.house import COMMUNITY, START, House
from tests.sign_on.browser import OWN, Browser, signed_in

pytestmark = pytest.mark.anyio
BY = By("ops", "tests")
QUEUE = f"/v1/queues/{COMMUNITY}"
POLL = {**OWN, "If-None-Match": "*"}


async def moved(house: House, **how: Any) -> None:
    await house.advance(**how)


async def status(browser: Browser, **query: Any) -> int:
    return (await browser.get(QUEUE, **query)).status_code


@pytest.mark.clause("ASVS 7.3.2")
async def test_a_session_lasts_twelve_hours(house: House) -> None:
    browser = await signed_in(house, "community")
    for _ in range(24):
        assert await status(browser) == 200
        await moved(house, seconds=1800 - 1)
    assert await status(browser) == 200
    await moved(house, seconds=24)
    assert await status(browser) == 401


@pytest.mark.clause("ASVS 7.3.1", "GB/T 22239 8.1.4.1 b")
async def test_a_session_that_is_idle_ends(house: House) -> None:
    browser = await signed_in(house, "community")
    await moved(house, seconds=1799)
    assert await status(browser) == 200
    await moved(house, seconds=1800)
    assert await status(browser) == 401
    assert await status(browser) == 401, "for good"


@pytest.mark.clause("ASVS 7.3.1")
async def test_polls_and_streams_are_no_activity(house: House) -> None:
    browser = await signed_in(house, "community")
    for _ in range(3):
        await moved(house, seconds=599)
        assert await status(browser, wait=0) == 200
        stream = {**OWN, "Accept": "text/event-stream, */*"}
        assert (await browser.get(QUEUE, headers=stream)).status_code == 200
    await moved(house, seconds=3)
    assert await status(browser) == 401


async def key_of(house: House) -> Any:
    found = await keys.page(house.process.database, 1, only=KeyFilter(unit=COMMUNITY))
    return found[0].id


async def held(browser: Browser, house: House) -> asyncio.Task[httpx.Response]:
    await house.sealed()
    poll = asyncio.create_task(browser.get(QUEUE, headers=POLL, wait=20))
    async with asyncio.timeout(5):
        while len(house.process.held) == 0:
            await asyncio.sleep(0.01)
    return poll


async def is_ended(poll: asyncio.Task[httpx.Response]) -> None:
    assert POLL_S + GATHER_S + OpenSessions.PAUSE_S < 0.25  # the rest is how busy the machine is
    answer = await asyncio.wait_for(poll, 5)  # it would wait for 20 s
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


@pytest.mark.clause("ASVS 7.4.2", "ASVS 7.4.5")
@pytest.mark.parametrize("here", [True, False])
async def test_a_session_dies_with_its_key(house: House, here: bool) -> None:
    browser = await signed_in(house, "community")
    poll = await held(browser, house)
    key_id, process = await key_of(house), house.process
    if here:
        assert (await house.send("ops", "DELETE", f"/v1/keys/{key_id}")).status_code == 204
    else:
        await keys.revoke(process.database, process.worlds.world, START, key_id, BY)
    await is_ended(poll)
    answer = await browser.get(QUEUE)
    assert (answer.status_code, "works no more" in answer.json()["detail"]) == (401, True)


@pytest.mark.clause("ASVS 7.4.2", "ASVS 7.4.3")
async def test_a_session_dies_when_its_key_expires(house: House) -> None:
    process = house.process
    browser = await signed_in(house, "community")
    await keys.rotate(process.database, process.worlds.world, START, await key_of(house), 600, BY)
    await process.context.part(Keyring).load()
    poll = await held(browser, house)
    await moved(house, seconds=600)
    await is_ended(poll)


@pytest.mark.clause("ASVS 7.4.2", "GB/T 22239 8.1.4.2 c")
async def test_a_session_dies_with_its_unit(house: House) -> None:
    process = house.process
    browser = await signed_in(house, "community")
    poll = await held(browser, house)
    async with process.database.begin() as tx:
        await tx.execute(text("UPDATE unit SET valid_to = :at WHERE code = :code"), {"at": START, "code": COMMUNITY})
    await process.worlds.reload(process.database)
    await is_ended(poll)


@pytest.mark.clause("ASVS 7.4.5")
async def test_a_statement_of_the_page_ends_every_session(house: House) -> None:
    """It does not ask who has begun them, so it ends those of persons, who have no key, as well."""
    browsers = [await signed_in(house, who) for who in ("community", "street")]
    poll = await held(browsers[0], house)
    statement, _ = pages.blocks(pages.DOCS / "operations.md", "sql")
    async with house.process.database.begin() as tx:
        await tx.execute(text(statement))
    answer = await asyncio.wait_for(poll, 5)
    assert answer.status_code == 401
    assert [(await each.get("/v1/me")).status_code for each in browsers] == [401, 401]


@pytest.mark.clause("ASVS 7.4.1")
async def test_signing_out_ends_a_held_request(house: House) -> None:
    browser = await signed_in(house, "community")
    form = await browser.form()
    poll = await held(browser, house)
    cookie = dict(browser.client.cookies)
    assert (await browser.client.post("/sign-out", data=form, headers=OWN)).status_code == 303
    assert cookie
    await is_ended(poll)


async def test_an_idle_session_ends_its_held_requests(house: House) -> None:
    browser = await signed_in(house, "community")
    poll = await held(browser, house)
    await moved(house, seconds=1800)
    await is_ended(poll)


@pytest.mark.clause("ASVS 7.4.1")
async def test_another_process_knows_a_session_and_its_end(house: House, haizhu_url: str) -> None:
    """Both are real processes of the service on one database, each with a memory of its own."""
    await house.key("community")
    app = create_app(Settings(database_url=haizhu_url, virtual_clock=START), house.process.clock)
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        neighbour = House(app)
        browser = await signed_in(house, "community")
        there = Browser(neighbour)
        there.client.cookies = browser.client.cookies
        assert await status(there) == 200
        poll = await held(there, neighbour)
        form = await browser.form()
        kept = dict(there.client.cookies)
        assert (await browser.client.post("/sign-out", data=form, headers=OWN)).status_code == 303
        await is_ended(poll)
        again = Browser(neighbour)
        again.client.cookies.update(kept)
        assert await status(again) == 401
        await neighbour.close()


async def test_a_process_learns_that_another_one_saw_a_session(house: House, haizhu_url: str) -> None:
    await house.key("community")
    app = create_app(Settings(database_url=haizhu_url, virtual_clock=START), house.process.clock)
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        neighbour = House(app)
        browser = await signed_in(house, "community")
        there = Browser(neighbour)
        there.client.cookies = browser.client.cookies
        await moved(house, seconds=1700)
        assert await status(there) == 200
        await neighbour.process.context.part(OpenSessions).write()
        await moved(house, seconds=1700)
        assert await status(browser) == 200
        await neighbour.close()


async def test_a_request_with_a_known_session_asks_no_database(house: House) -> None:
    browser = await signed_in(house, "community")
    now = house.process.clock.now()
    sessions, nowhere = house.process.context.part(OpenSessions), _Nowhere()
    assert await sessions.find(nowhere, browser.cookie, now) is not None
    assert await sessions.find(nowhere, "no-cookie-of-ours", now) is None
    with pytest.raises(AssertionError, match="a database"):
        await sessions.find(nowhere, browser.cookie, now + IDLE)


class _Nowhere(Database):
    """A database that nobody may ask."""

    def __init__(self) -> None:
        pass

    def read(self) -> Any:
        raise AssertionError("a database was asked")
