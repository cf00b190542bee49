"""Texts are erased for good, wherever they stand, and the record stays whole."""

from __future__ import annotations

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from service.appraisal import checking
from service.commands import programs
from service.escalation import erasing
from service.escalation.erasing import Erasure, years_before
from service.incidents import action_routes, chain_routes, correction_routes
from service.rules.figures.definition import Period
from service.rules.model import By
from service.rules.words import Arrow
from service.settings import Settings
from service.store.database import Database
from service.store.registry import deployment
from tests.house import START, House
from tests.incidents import test_action_routes, test_chain_routes, test_correction_routes, verbs

pytestmark = pytest.mark.anyio

OPS = By("ops", "command-line")
PLANTED = "planted"
CONTACT = {"name": f"{PLANTED} name", "phone": "13712345678", "address": f"{PLANTED} address"}
VERBS = [
    *((action_routes.router, verb) for verb in test_action_routes.VERBS),
    *((chain_routes.router, verb) for verb in test_chain_routes.VERBS),
    *((correction_routes.router, verb) for verb in test_correction_routes.VERBS),
]


async def everything_said(house: House) -> list[Any]:
    """An incident for each verb, with a planted text in each field that takes words."""
    made = [await house.report(description=f"{PLANTED} description", contact=CONTACT)]
    await house.act("street", made[0], "reveal", reason=f"{PLANTED} reveal")
    for router, verb in VERBS:
        incident = await verbs.brought_about(house, verb.before)
        body = {**verbs.example_of(verbs.body_of(router, verb)), **verb.instead}
        if verb.arrow is Arrow.MERGE:
            body["into"] = (await house.report())["id"]
            made.append({"id": body["into"]})
        words = {name: f"{PLANTED} {verb.arrow} {name}" for name in verb.texts}
        await house.act(verb.who, incident, verb.path, **{**body, **words})
        made.append(incident)
    return made


async def dumped(database: Database) -> str:
    """All that is in the database, as pg_dump writes it."""
    async with database.read() as connection:
        folder = programs.at_least(await deployment.server_version(connection), Settings()).path
    env = programs.environment(database.url, embedded=False)
    done = await asyncio.to_thread(subprocess.run, [folder / "pg_dump"], env=env, capture_output=True, check=True)
    return done.stdout.decode()


async def erased(house: House, incidents: list[Any], by: By = OPS) -> int:
    context = house.process.context
    ids = [UUID(each["id"]) for each in incidents]
    now, world = context.clock.now(), context.worlds.world
    return await erasing.erase(context.database, ids, by, world, now, context.tell)


async def appraised(house: House) -> list[bytes]:
    return [
        (await house.send("ops", "GET", "/v1/appraisal", period="2026-11", group_by=group)).content
        for group in ("unit", "street", "department", "line", "level")
    ]


@pytest.mark.clause("ASVS 14.2.4", "GB/T 22239 8.1.4.10", "PIPL 47")
@pytest.mark.slow
async def test_what_was_planted_is_in_no_dump(house: House) -> None:
    made = await everything_said(house)
    before, figures = await dumped(house.process.database), await appraised(house)
    words = {f"{PLANTED} {verb.arrow} {name}" for _, verb in VERBS for name in verb.texts}
    assert {each for each in words if each not in before} == set(), "what was never stored proves nothing"
    assert f"{PLANTED} reveal" in before and CONTACT["phone"] not in before and CONTACT["name"] not in before
    assert await erased(house, made) == len(made)
    after = await dumped(house.process.database)
    assert [line for line in after.splitlines() if PLANTED in line or "1234567" in line] == []
    assert await appraised(house) == figures
    world = house.process.worlds.world
    assert await checking.differences(house.process.database, Period.at(START), world) == []
    for each in made:
        views = [await house.get("ops", f"/v1/incidents/{each['id']}{part}") for part in ("", "/timeline", "/deadline")]
        assert PLANTED not in str(views)
        assert views[0]["description"] is views[0]["contact"] is None and views[0]["erased_at"]


async def test_an_open_incident_goes_on_without_its_texts(house: House) -> None:
    incident = await house.report(contact=CONTACT)
    etag = f'"{incident["version"]}"'
    assert await erased(house, [incident]) == 1
    now = await house.get("worker", f"/v1/incidents/{incident['id']}")
    same = ("state", "level", "unit", "due_at", "grid_code", "location", "source", "reported_at")
    assert {name: now[name] for name in same} == {name: incident[name] for name in same}
    assert now["version"] == incident["version"] + 1 and now["erased_at"] == now["updated_at"]
    again = await house.send("worker", "GET", f"/v1/incidents/{incident['id']}", headers={"If-None-Match": etag})
    assert again.status_code == 200
    problem = await house.refused("street", incident, "reveal", reason="回访")
    assert (problem["status"], problem["code"]) == (409, "conflict") and "2026-11-23" in problem["detail"]
    answered = await house.act("community", incident, "answer", measure="马上去")
    assert answered["calls"][0]["answer"]["measure"] == "马上去" and answered["description"] is None


@pytest.mark.clause("PIPL 47")
async def test_nobody_has_an_erased_contact_revealed(house: House) -> None:
    """Not even by the key of a reveal that was carried out before the erasure; and the asking leaves no trace."""
    incident = await house.report(contact=CONTACT)
    path, once = f"/v1/incidents/{incident['id']}", {"Idempotency-Key": "once"}
    who_may = ("community", "street", "auditor", "ops")
    for who in who_may:
        answer = await house.send(who, "POST", f"{path}/reveal", {"reason": "回访"}, headers=once)
        assert answer.json()["contact"] == CONTACT
    await erased(house, [incident])
    events = (await house.get("ops", f"{path}/timeline"))["items"]
    for who in who_may:
        for headers in (once, {"Idempotency-Key": "anew"}, None):
            answer = await house.send(who, "POST", f"{path}/reveal", {"reason": "回访"}, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (409, "conflict"), (who, headers)
            assert "erased on 2026-11-23" in answer.json()["detail"]
    for who, status in (("worker", 403), ("colleague", 403), ("department", 404), ("security", 404)):
        assert (await house.refused(who, incident, "reveal", reason="回访"))["status"] == status
    assert (await house.get("ops", f"{path}/timeline"))["items"] == events


async def test_the_event_has_no_words_and_erases_once(house: House) -> None:
    incident = await house.report()
    assert [await erased(house, [incident]) for _ in range(3)] == [1, 0, 0]
    page = await house.get("worker", f"/v1/incidents/{incident['id']}/timeline")
    last = page["items"][-1]
    assert (last["type"], last["data"]["note"]) == ("sihu.incident.erased", None)
    assert last["data"]["by"] == {"kind": "ops", "subject": "command-line"}
    assert [each["type"] for each in page["items"]].count("sihu.incident.erased") == 1


@pytest.mark.clause("PIPL 47")
async def test_words_that_come_later_can_be_erased_as_well(house: House) -> None:
    incident = await house.report()
    await erased(house, [incident])
    await house.act("worker", incident, "comment", text=f"{PLANTED} later")
    assert PLANTED in await dumped(house.process.database)
    assert [await erased(house, [incident]) for _ in range(2)] == [1, 0]
    assert PLANTED not in await dumped(house.process.database)
    await house.act("community", incident, "resolve", result=f"{PLANTED} done")
    await erased(house, [incident])
    await house.act("worker", incident, "rate", score=5)
    assert await erased(house, [incident]) == 0, "stars are no words"


async def test_the_same_report_again_is_a_replay_still(house: House) -> None:
    incident = await house.report(key="once", contact=CONTACT)
    await house.act("worker", incident, "comment", text="还在")
    await erased(house, [incident])
    body = {"grid_code": incident["grid_code"], "category": incident["category"], "description": "x"}
    answer = await house.send("worker", "POST", "/v1/incidents", body, headers={"Idempotency-Key": "once"})
    assert (answer.status_code, answer.headers["Idempotency-Replayed"]) == (201, "true")
    assert answer.json()["id"] == incident["id"] and answer.json()["description"] is None


def part(house: House, years: int = 3) -> Erasure:
    return Erasure(house.process.context, years)


async def much_later(house: House, moment: str) -> None:
    """Time passes, and everybody gets a new key: those of before have ended."""
    await house.advance(to=moment)
    house._keys.clear()


async def closed(house: House, **fields: Any) -> Any:
    incident = await house.report(**fields)
    await house.act("community", incident, "resolve", result="好了")
    return await house.act("worker", incident, "accept", comment="谢谢")


@pytest.mark.clause("PIPL 19")
async def test_the_engine_erases_years_after_the_close(house: House) -> None:
    incident, still_open = await closed(house, contact=CONTACT), await house.report()
    await much_later(house, "2029-11-22T00:00:00Z")
    assert await part(house).run_once() == 0
    await much_later(house, "2029-11-23T01:00:00Z")
    assert await part(house).run_once() in (0, 1)  # the process itself looks as well
    shown = await house.get("ops", f"/v1/incidents/{incident['id']}")
    assert shown["description"] is shown["contact"] is None
    assert (await house.get("ops", f"/v1/incidents/{still_open['id']}"))["description"]
    page = await house.get("ops", f"/v1/incidents/{incident['id']}/timeline")
    assert page["items"][-1]["data"]["by"] == {"kind": "clock"}
    assert await part(house).run_once() == 0


async def test_an_advance_of_the_clock_moves_the_erasure(house: House) -> None:
    incident = await closed(house)
    await much_later(house, "2029-12-01T00:00:00Z")
    async with asyncio.timeout(30):
        while (await house.get("ops", f"/v1/incidents/{incident['id']}"))["erased_at"] is None:
            await asyncio.sleep(0.05)


async def test_two_processes_share_the_work(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "PAGE", 3)
    for _ in range(10):
        await closed(house)
    house.process.clock.move_to(START + timedelta(days=4 * 365))  # type: ignore[attr-defined]
    done = await asyncio.gather(*(part(house).run_once() for _ in range(3)))
    done.append(await part(house).run_once())
    async with house.process.database.read() as connection:
        events = "SELECT count(*), count(DISTINCT incident_id) FROM event WHERE type = 'sihu.incident.erased'"
        assert tuple((await connection.execute(text(events))).one()) == (10, 10)


async def test_one_bad_row_spoils_nobody_elses(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "PAGE", 4)
    numbers = [(await closed(house))["number"] for _ in range(6)]
    async with house.process.database.begin() as tx:
        await tx.execute(
            text(
                "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS "
                f"$$ BEGIN IF NEW.number = '{numbers[2]}' THEN RAISE 'poisoned'; END IF; RETURN NEW; END $$"
            )
        )
        await tx.execute(text("CREATE TRIGGER poison BEFORE UPDATE ON incident FOR EACH ROW EXECUTE FUNCTION poison()"))
    house.process.clock.move_to(START + timedelta(days=4 * 365))  # type: ignore[attr-defined]
    await part(house).run_once()
    async with house.process.database.read() as connection:
        left = await connection.execute(text("SELECT number FROM incident WHERE has_texts"))
        assert list(left.scalars()) == [numbers[2]]


@pytest.mark.parametrize(
    ("now", "then"),
    [
        (datetime(2029, 11, 23, 1, tzinfo=UTC), datetime(2026, 11, 23, 1, tzinfo=UTC)),
        (datetime(2028, 2, 29, tzinfo=UTC), datetime(2025, 2, 28, tzinfo=UTC)),
        (datetime(2031, 2, 28, tzinfo=UTC), datetime(2028, 2, 28, tzinfo=UTC)),
    ],
)
def test_years_are_those_of_the_calendar(now: datetime, then: datetime) -> None:
    assert years_before(now, 3) == then
