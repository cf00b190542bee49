from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from service.clock import VirtualClock
from service.main import create_app
from service.settings import Settings
from tests.house import START, House

pytestmark = pytest.mark.anyio


@pytest.fixture
async def office_house(office_url: str) -> AsyncIterator[House]:
    app = create_app(Settings(database_url=office_url, pool_size=5), VirtualClock(START))
    async with app.router.lifespan_context(app):
        await app.state.process.ready.wait()
        house = House(app)
        yield house
        await house.close()


async def test_flow(office_house: House) -> None:
    house = office_house
    incident = await house.report()
    where = f"/v1/incidents/{incident['id']}"
    print(await house.get("worker", f"{where}/deadline"))
    plan = (await house.get("worker", f"{where}/plan"))["items"]
    assert plan[0]["arrow"] == "warned", plan
    held = await house.act("community", incident, "hold", until="2026-11-30T09:00:00+08:00", reason="等")
    assert held["requests"][0]["outcome"] is None
    problem = await house.refused("community", incident, "requests/1/approve")
    assert problem["code"] == "not_yours"
    on_hold = await house.act("street", incident, "requests/1/approve")
    assert (on_hold["state"], on_hold["due_kind"]) == ("on_hold", "resume")
    print(await house.get("worker", f"{where}/deadline"))
    await house.advance(to="2026-11-30T09:00:00+08:00")
    now = await house.get("worker", where)
    assert now["state"] == "calling", now
    assert now["requests"][0]["resumed_at"]
    told = await house.get("worker", f"{where}/deadline")
    assert told["counted_s"] == 4 * 3600, told
    later = await house.act("community", incident, "extend", until="2026-11-30T16:30:00+08:00", reason="等")
    assert later["requests"][1]["n"] == 2
    later = await house.act("street", incident, "requests/2/approve", reason="ok")
    assert later["due_at"].startswith("2026-11-30T08:30"), later
    told = await house.get("worker", f"{where}/deadline")
    print(told)
    await house.advance(to="2026-12-31T13:00:00+08:00")
    new = await house.report()
    assert not new["provisional"], new["due_at"]
    await house.advance(to="2026-12-31T16:00:00+08:00")
    new = await house.report()
    assert new["provisional"], new["due_at"]
    answer = await house.send(
        "ops", "PUT", "/v1/calendars/cn/days",
        {"source": "notice", "fill_years": [2027], "days": [{"day": "2027-01-01", "workday": False, "note": "元旦"}]},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["deadlines_looked_at"] >= 1, answer.text
    await house.advance(seconds=0)
    after = await house.get("worker", f"/v1/incidents/{new['id']}")
    assert not after["provisional"]
    assert after["due_at"] > new["due_at"]
    events = [e["type"] for e in (await house.get("worker", f"/v1/incidents/{new['id']}/timeline"))["items"]]
    assert events == ["sihu.incident.reported", "sihu.call.opened", "sihu.call.rescheduled"], events
    print((await house.get("ops", "/v1/calendars/cn/coverage")))
    print((await house.get("ops", "/readyz")))
