"""`/healthz`, `/readyz`, `/metrics`: what a load balancer and ops are told, without a key."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from service import clock as clocks
from service.clock import VirtualClock
from service.main import create_app
from service.settings import Settings
from service.store.outages import Lane
from service.store.sqlstates import Failure, Trouble
from tests.house import START, House

pytestmark = pytest.mark.anyio

NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nowhere"


async def ask(app: Any, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu") as client:
        return await client.get(path)


async def readiness(house: House) -> tuple[int, str, list[str]]:
    """The status, the word, and the checks that are not fine."""
    answer = await ask(house.app, "/readyz")
    found = answer.json()
    return answer.status_code, found["status"], [name for name, check in found["checks"].items() if not check["ok"]]


def travel(house: House, far: timedelta) -> None:
    """Time passes and nobody fires."""
    assert isinstance(house.process.clock, VirtualClock)
    house.process.clock.move_to(house.process.clock.now() + far)


async def test_a_service_that_can_do_its_work_is_ready(house: House) -> None:
    assert await readiness(house) == (200, "ready", [])
    assert (await ask(house.app, "/healthz")).json() == {"status": "ok"}


async def test_an_overdue_deadline_degrades_it(house: House) -> None:
    await house.report()
    travel(house, timedelta(days=2))
    assert await readiness(house) == (200, "degraded", ["engine"])
    await house.advance(seconds=0)
    assert await readiness(house) == (200, "ready", [])


async def test_an_incident_that_cannot_be_swept_degrades_it(house: House) -> None:
    """The engine looks at it later, and it is overdue all the same."""
    incident = await house.report()
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE incident SET calls_at = '{}'"))
    await house.advance(to=incident["due_at"])
    travel(house, timedelta(seconds=20))
    assert await readiness(house) == (200, "degraded", ["engine"])
    engine = (await ask(house.app, "/readyz")).json()["checks"]["engine"]
    assert (engine["put_aside"], engine["overdue_s"]) == (1, 20.0)
    assert "sihu doctor" in engine["detail"]
    assert "sihu_put_aside 1.0" in (await ask(house.app, "/metrics")).text


async def test_a_feed_that_lags_degrades_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.process.tail.stop()
    await house.report()
    began = clocks.monotonic()
    monkeypatch.setattr(clocks, "monotonic", lambda: began + 60)
    assert await readiness(house) == (200, "degraded", ["feed"])


async def test_a_year_without_a_calendar_degrades_it(shipped: House) -> None:
    assert await readiness(shipped) == (200, "ready", [])
    travel(shipped, timedelta(days=5 * 366))
    checks = (await ask(shipped.app, "/readyz")).json()["checks"]
    assert checks["calendar"]["ok"] is False
    assert "sihu calendar load" in checks["calendar"]["detail"]


async def test_an_empty_registry_degrades_it(database_url: str) -> None:
    app = create_app(Settings(database_url=database_url, virtual_clock=START), VirtualClock(START))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        answer = await ask(app, "/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"]["registry"]["ok"] is False


async def test_without_a_database_it_is_unavailable_and_alive() -> None:
    app = create_app(Settings(database_url=NOWHERE), clocks.of(None))
    async with app.router.lifespan_context(app):
        ready = await ask(app, "/readyz")
        assert (ready.status_code, ready.headers["retry-after"]) == (503, "1")
        assert ready.json()["status"] == "unavailable"
        assert ready.json()["checks"]["database"]["ok"] is False
        for path in ("/healthz", "/metrics"):
            assert (await ask(app, path)).status_code == 200


async def test_a_look_that_takes_long_is_answered_in_time(house: House) -> None:
    """Somebody else has the only connection of the probe, as a server has that does not answer."""
    async with house.process.lanes.probe.begin():
        began = clocks.monotonic()
        answers = await asyncio.gather(*[ask(house.app, "/readyz") for _ in range(10)])
        assert clocks.monotonic() - began < 5  # _MAX_LOOK_S, on a busy machine; the block never ends by itself
    assert {each.status_code for each in answers} == {503}
    assert {each.json()["checks"]["database"]["ok"] for each in answers} == {False}
    assert (await ask(house.app, "/readyz")).status_code == 200


async def test_people_who_take_all_connections_leave_the_probe_its_own(house: House) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(house.process.settings.pool_size):
            await stack.enter_async_context(house.process.database.begin())
        assert await readiness(house) == (200, "ready", [])


async def test_trouble_of_others_degrades_it_and_is_counted(house: House) -> None:
    full = Failure(Trouble.FULL, False, "53100", "No space left on device")
    house.process.lanes.outages.met(Lane.PARTS, full)
    assert await readiness(house) == (200, "degraded", ["database"])
    check = (await ask(house.app, "/readyz")).json()["checks"]["database"]
    assert check == {"ok": False, "detail": "the database is full: No space left on device", "faults": {"full": 1}}
    assert 'sihu_database_faults_total{sqlstate="53100"} 1.0' in (await ask(house.app, "/metrics")).text


async def test_a_server_that_takes_no_writes_is_unavailable(haizhu_url: str, house: House) -> None:
    async with house.process.lanes.probe.engine.connect() as connection:
        await connection.execute(text("SET default_transaction_read_only = on"))
        await connection.commit()
    found = (await ask(house.app, "/readyz")).json()
    assert found["status"] == "unavailable"
    assert "this server takes no writes" in found["checks"]["database"]["detail"]
    assert await readiness(house) != (503, "unavailable", ["database"]), "the connection was left"


async def test_a_stopping_process_wants_no_traffic(haizhu_url: str) -> None:
    app = create_app(Settings(database_url=haizhu_url), clocks.of(None))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        app.state.process.let_go()
        ready = await ask(app, "/readyz")
    assert (ready.status_code, ready.json()["checks"]["migrations"]["detail"]) == (503, "stopping")


async def test_what_is_known_of_a_lost_database_is_shown() -> None:
    app = create_app(Settings(database_url=NOWHERE), clocks.of(None))
    async with app.router.lifespan_context(app):
        app.state.process.note_trouble("the embedded PostgreSQL has died and is started again")
        ready = await ask(app, "/readyz")
    assert ready.json()["checks"]["database"]["detail"] == "the embedded PostgreSQL has died and is started again"


async def execute(app: FastAPI, statement: str) -> None:
    async with app.state.process.database.begin() as tx:
        await tx.execute(text(statement))


async def test_older_tables_are_unavailable_and_say_what_to_run(bare_url: str) -> None:
    app = create_app(Settings(database_url=bare_url), clocks.of(None))
    async with app.router.lifespan_context(app):
        ready = await ask(app, "/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"] == {
        "database": {"ok": True},
        "migrations": {"ok": False, "detail": "this database has no tables yet: run `sihu migrate`"},
    }


async def test_tables_of_a_newer_version_may_serve(haizhu_url: str) -> None:
    """An older process serves on through a migration that only adds; it leaves the traffic to others after one that
    took something away."""
    app = create_app(Settings(database_url=haizhu_url), clocks.of(None))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        await execute(app, "UPDATE alembic_version SET version_num = '9999'")
        ahead = await ask(app, "/readyz")
        await execute(app, "COMMENT ON TABLE alembic_version IS 'programs that know revision 9999'")
        behind = await ask(app, "/readyz")
    assert (ahead.status_code, behind.status_code) == (200, 503)
    assert ahead.json()["status"] == "ready"
    assert ahead.json()["checks"]["migrations"]["detail"].startswith("this program is older than its tables")
    assert behind.json()["checks"]["migrations"]["detail"].startswith("this database is of a newer sihu")


async def test_before_it_is_up_every_request_is_503(haizhu_url: str) -> None:
    """The keys are not loaded, so nobody is refused for good."""
    app = create_app(Settings(database_url=haizhu_url), clocks.of(None))  # its lifespan never begins
    ready = await ask(app, "/readyz")
    assert (ready.status_code, ready.json()["checks"]["migrations"]["detail"]) == (503, "starting")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://sihu") as client:
        answer = await client.get("/v1/units", headers={"Authorization": "Bearer sihu_x"})
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    await app.state.process.stop()


async def test_metrics_tell_where_the_feed_is(house: House) -> None:
    await house.report()
    await house.sealed()
    page = await ask(house.app, "/metrics")
    assert page.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert f"sihu_feed_position {float(house.process.tail.position)}" in page.text
    assert 'route="/v1/incidents"' in page.text
