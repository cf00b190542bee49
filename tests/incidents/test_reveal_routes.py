"""A contact: kept sealed, shown masked, and revealed for a reason that everybody reads who sees the incident."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from sqlalchemy import text

from service.access.secret_keys import KeySource, Secrets
from service.access.secrets import SecretsBox, new_key
from service.incidents import reporting
from tests.house import CATEGORY, CELL, House

pytestmark = pytest.mark.anyio

CONTACT = {"name": "张三", "phone": "138 0000 0000", "address": "江南大道中 12 号 301"}
MASKED = {"name": "张*", "phone": "138****0000", "address": None}
BODY: dict[str, Any] = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮", "contact": CONTACT}


async def types(house: House, who: str, incident: Any) -> list[str]:
    page = await house.get(who, f"/v1/incidents/{incident['id']}/timeline")
    return [each["type"].removeprefix("sihu.") for each in page["items"]]


@pytest.mark.clause("API3:2023", "ASVS 8.2.3", "ASVS 14.2.4")
async def test_a_contact_is_shown_masked_on_the_incident_alone(house: House) -> None:
    incident = await house.report(contact=CONTACT)
    assert incident["contact"] == MASKED
    for who in ("worker", "colleague", "community", "street", "auditor", "ops"):
        assert (await house.get(who, f"/v1/incidents/{incident['id']}"))["contact"] == MASKED
    assert (await house.act("community", incident, "answer", measure="马上去"))["contact"] == MASKED
    for path in ("/v1/incidents", "/v1/queues/440105003001"):
        [row] = (await house.get("ops", path))["items"]
        assert "contact" not in row and row["erased_at"] is None
    assert (await house.report())["contact"] is None


async def test_a_batch_keeps_contacts(house: House) -> None:
    items = [{**BODY, "contact": CONTACT}, {**BODY, "contact": None}, {**BODY, "contact": {"phone": "12345"}}]
    answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": items})
    made = [each["incident"] for each in answer.json()["results"]]
    assert all("contact" not in each for each in made)
    shown = [(await house.get("ops", f"/v1/incidents/{each['id']}"))["contact"] for each in made]
    assert shown == [MASKED, None, {"name": None, "phone": "****", "address": None}]


@pytest.mark.parametrize(
    "contact",
    [
        *({}, {"name": None}, {"name": ""}, {"phone": "x"}, {"phone": "138-"}, {"phone": "+"}, {"phone": 138}),
        *({"phone": "1" * 60}, {"name": "x" * 101}, {"address": "a\nb"}, {"email": "a@b"}, "13800000000"),
    ],
)
async def test_a_contact_that_says_nothing_is_refused(house: House, contact: Any) -> None:
    answer = await house.send("worker", "POST", "/v1/incidents", {**BODY, "contact": contact})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/contact")


@pytest.mark.parametrize(
    "phone",
    [
        "13800000000",
        "+86 138 0000 0000",
        "(020) 8442-0000转801",
        "１３８００００００００",
        "84420000-801",
        "12345",
        "110",
    ],
)
async def test_phones_are_taken_as_people_write_them(house: House, phone: str) -> None:
    incident = await house.report(contact={"phone": phone})
    revealed = await house.act("community", incident, "reveal", reason="回访")
    assert revealed["contact"] == {"name": None, "phone": phone, "address": None}


async def test_the_same_report_again_is_a_replay(house: House) -> None:
    headers = {"Idempotency-Key": "one"}
    first, again = [await house.send("worker", "POST", "/v1/incidents", BODY, headers=headers) for _ in range(2)]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json() and first.json()["contact"] == MASKED
    other = {**BODY, "contact": {**CONTACT, "phone": "13900000000"}}
    assert (await house.send("worker", "POST", "/v1/incidents", other, headers=headers)).status_code == 422


@pytest.mark.clause("GB/T 22239 8.1.4.3 a", "GB/T 22239 8.1.4.11 b")
async def test_a_contact_is_revealed_for_a_reason(house: House) -> None:
    incident = await house.report(contact=CONTACT)
    revealed = await house.act("community", incident, "reveal", reason="找不到位置")
    assert revealed == {**incident, "contact": CONTACT}
    page = await house.get("worker", f"/v1/incidents/{incident['id']}/timeline")
    last = page["items"][-1]
    assert (last["type"], last["data"]["by"]["unit"]) == ("sihu.incident.revealed", incident["unit"]["code"])
    assert last["data"]["note"] == "找不到位置"
    assert "138 0000" not in str(page) and "张三" not in str(page)
    metrics = house.process.metrics.page().decode()
    assert 'sihu_reveals_total{role="unit"} 1.0' in metrics


@pytest.mark.clause("API3:2023", "ASVS 8.2.3", "ASVS 14.2.4", "GB/T 22239 8.1.4.11 b")
@pytest.mark.parametrize(
    ("who", "status"),
    [
        *(("community", 200), ("street", 200), ("ops", 200), ("auditor", 200)),
        *(("worker", 403), ("colleague", 403), ("stranger", 404), ("department", 404), ("security", 404)),
    ],
)
async def test_who_may_see_a_contact(house: House, who: str, status: int) -> None:
    incident = await house.report(contact=CONTACT)
    answer = await house.send(who, "POST", f"/v1/incidents/{incident['id']}/reveal", {"reason": "回访"})
    assert answer.status_code == status
    assert ("incident.revealed" in await types(house, "ops", incident)) == (status == 200)
    assert ("138 0000" in answer.text) == (status == 200)


async def test_without_a_contact_nothing_is_revealed(house: House) -> None:
    incident = await house.report()
    problem = await house.refused("street", incident, "reveal", reason="回访")
    assert (problem["status"], problem["code"]) == (409, "conflict")
    assert incident["number"] in problem["detail"]
    assert "incident.revealed" not in await types(house, "ops", incident)


async def test_a_reason_is_needed(house: House) -> None:
    incident = await house.report(contact=CONTACT)
    for body in ({}, {"reason": ""}, {"reason": " "}, {"reason": None}):
        problem = await house.refused("street", incident, "reveal", **body)
        assert (problem["status"], problem["errors"][0]["pointer"]) == (422, "/reason")


async def test_a_key_reveals_once_and_shows_again(house: House) -> None:
    incident = await house.report(contact=CONTACT)
    path, headers = f"/v1/incidents/{incident['id']}/reveal", {"Idempotency-Key": "r-1"}
    first, again = [await house.send("street", "POST", path, {"reason": "回访"}, headers=headers) for _ in range(2)]
    assert "Idempotency-Replayed" not in first.headers and again.headers["Idempotency-Replayed"] == "true"
    assert first.json()["contact"] == again.json()["contact"] == CONTACT
    assert (await types(house, "ops", incident)).count("incident.revealed") == 1
    other = await house.send("street", "POST", path, {"reason": "再看"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")


async def test_an_older_version_reveals_nothing(house: House) -> None:
    incident = await house.report(contact=CONTACT)
    await house.act("community", incident, "answer", measure="马上去")
    path = f"/v1/incidents/{incident['id']}/reveal"
    for version, status in (('"1"', 412), ('"2"', 200), ("*", 200)):
        answer = await house.send("street", "POST", path, {"reason": "回访"}, headers={"If-Match": version})
        assert answer.status_code == status
        assert answer.headers["Cache-Control"] == "no-store"
    assert (await types(house, "ops", incident)).count("incident.revealed") == 2


@pytest.mark.clause("ASVS 14.2.4", "ASVS 16.2.5", "GB/T 22239 8.1.4.8 b", "PIPL 51", "GB/T 39786 8.4 e")
async def test_a_contact_is_in_no_log_and_no_event(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    incident = await house.report(contact=CONTACT)
    await house.act("community", incident, "reveal", reason="回访")
    await house.send("worker", "POST", "/v1/incidents", {**BODY, "grid_code": "x"})
    await house.sealed()
    feed = await house.send("ops", "GET", "/v1/events")
    async with house.process.database.read() as connection:
        tables = ("report", "incident", "event", "contact", "call")
        rows = [await connection.execute(text(f"SELECT t::text FROM {table} t")) for table in tables]
        stored = "\n".join(row[0] for found in rows for row in found)
    for trace in (caplog.text, feed.text, stored):
        for value in CONTACT.values():
            assert value not in trace and value.replace(" ", "") not in trace


async def test_a_contact_of_another_key_is_named_to_ops_alone(house: House, caplog: pytest.LogCaptureFixture) -> None:
    incident = await house.report(contact=CONTACT)
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE contact SET sealed_by = 'abcdefabcdef'"))
    problem = await house.refused("street", incident, "reveal", reason="回访")
    assert (problem["status"], problem["code"]) == (503, "unavailable")
    assert "abcdefabcdef" not in str(problem)
    assert "incident.revealed" not in await types(house, "ops", incident)


async def test_a_replay_is_known_after_a_rotation(house: House) -> None:
    headers = {"Idempotency-Key": "one"}
    first = await house.send("worker", "POST", "/v1/incidents", BODY, headers=headers)
    secrets = house.process.context.part(Secrets)
    secrets._box = SecretsBox([new_key(), *KeySource.of(house.process.settings).given])
    again = await house.send("worker", "POST", "/v1/incidents", BODY, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    other = {**BODY, "contact": {**CONTACT, "phone": "13800000001"}}
    assert (await house.send("worker", "POST", "/v1/incidents", other, headers=headers)).status_code == 422


@pytest.mark.clause("ASVS 14.2.4", "PIPL 51")
async def test_a_contact_is_not_found_by_trying(house: House) -> None:
    """Whoever reads the database without the key learns no more than what is shown, however much is tried."""
    await house.send("worker", "POST", "/v1/incidents", BODY, headers={"Idempotency-Key": "one"})
    async with house.process.database.read() as connection:
        [stored] = (await connection.execute(text("SELECT body_hash FROM report"))).scalars()
    assert stored != reporting.body_hash(BODY)
