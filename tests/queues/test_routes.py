"""`GET /v1/queues/{unit}` as a department's system polls it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from tests.house import COMMUNITY, DEPARTMENT, LEADER, STREET, House

pytestmark = pytest.mark.anyio

QUEUE = f"/v1/queues/{COMMUNITY}"


async def poll(house: House, tag: str, who: str = "community", path: str = QUEUE, **query: Any) -> httpx.Response:
    return await house.send(who, "GET", path, headers={"If-None-Match": tag}, **query)


async def test_an_unchanged_queue_costs_no_statement(house: House) -> None:
    await house.report()
    await house.sealed()
    first = await house.send("community", "GET", QUEUE)
    statements: list[str] = []
    await house.process.tail.stop()
    engine = house.process.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: statements.append(statement))
    again = await poll(house, first.headers["ETag"])
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert first.headers["ETag"].startswith('W/"')
    assert statements == []


async def test_a_client_that_acts_and_polls_at_once_never_hears_unchanged(house: House) -> None:
    incident = await house.report()
    for verb, body in (("answer", {"measure": "派人清理"}), ("resolve", {"result": "已清理"})):
        tag = (await house.send("community", "GET", QUEUE)).headers["ETag"]
        await house.act("community", incident, verb, **body)
        answer = await poll(house, tag)
        assert answer.status_code == 200
    assert answer.json()["items"] == []


async def test_a_wait_ends_with_the_change_or_with_the_seconds(house: House) -> None:
    await house.sealed()
    tag = (await house.send("community", "GET", QUEUE)).headers["ETag"]
    assert (await poll(house, tag, wait=1)).status_code == 304
    waits = asyncio.create_task(poll(house, tag, wait=20))
    await asyncio.sleep(0.05)
    incident = await house.report()
    answer = await waits
    assert answer.status_code == 200 and answer.headers["ETag"] != tag
    assert [row["id"] for row in answer.json()["items"]] == [incident["id"]]


async def test_a_partner_hears_nothing_of_what_is_confidential(house: House) -> None:
    """Neither by the tag of its parent's queue nor by when a held request ends."""
    firm = f"{COMMUNITY}-property"
    await house.report()
    await house.sealed()
    first = await house.send(firm, "GET", QUEUE)
    waits = asyncio.create_task(poll(house, first.headers["ETag"], firm, wait=20))
    await asyncio.sleep(0.05)
    await house.report(confidential=True)
    await house.sealed()
    again = await poll(house, first.headers["ETag"], firm)
    assert (again.status_code, again.headers["ETag"]) == (304, first.headers["ETag"])
    assert not waits.done()
    plain = await house.report()
    answer = await waits
    assert answer.status_code == 200 and answer.headers["ETag"] != first.headers["ETag"]
    assert plain["id"] in [row["id"] for row in answer.json()["items"]]


async def test_a_partner_hears_of_changes_beyond_its_page(house: House) -> None:
    """Its tag stands for all that it sees of the queue, on whatever page."""
    firm = f"{COMMUNITY}-property"
    await house.report(urgency="urgent")
    first = await house.send(firm, "GET", QUEUE, limit=1)
    later = await house.report()
    second = await poll(house, first.headers["ETag"], firm, limit=1)
    assert second.status_code == 200 and second.json()["items"] == first.json()["items"]
    await house.act("community", later, "answer", measure="派人清理")
    third = await poll(house, second.headers["ETag"], firm, limit=1)
    assert third.status_code == 200
    whole = await house.send(firm, "GET", QUEUE)
    assert whole.headers["ETag"] == third.headers["ETag"]


async def test_a_comment_changes_no_queue(house: House) -> None:
    incident = await house.report()
    await house.sealed()
    tag = (await house.send("community", "GET", QUEUE)).headers["ETag"]
    await house.act("worker", incident, "comment", text="还在")
    await house.sealed()
    assert (await poll(house, tag)).status_code == 304


async def test_the_soonest_deadline_comes_first_on_every_page(house: House) -> None:
    reports = [await house.report(urgency=urgency) for urgency in ("normal", "urgent", "normal", "urgent", "normal")]
    expected = [each["id"] for each in sorted(reports, key=lambda each: (each["due_at"], each["id"]))]
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = await house.get("community", QUEUE, limit=2, **cursor)
        found += [row["id"] for row in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert found == expected
    other = await house.send("community", "GET", QUEUE, state="resolved", **cursor)
    assert (other.status_code, other.json()["code"]) == (400, "bad_cursor")


async def test_a_row_is_the_incident_without_calls_and_requests(house: House) -> None:
    incident = await house.report()
    [row] = (await house.get("community", QUEUE))["items"]
    alone = ("calls", "requests", "contact")
    assert row == {**{k: v for k, v in incident.items() if k not in alone}, "assisting": False}


async def test_states_are_separated_by_commas(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "resolve", result="已清理")
    assert (await house.get("community", QUEUE))["items"] == []
    for given in ("resolved", "calling,resolved"):
        [row] = (await house.get("community", QUEUE, state=given))["items"]
        assert row["state"] == "resolved"


@pytest.mark.parametrize(
    ("who", "unit", "status"),
    [
        ("community", COMMUNITY, 200),
        ("street", COMMUNITY, 200),
        ("street", STREET, 200),
        ("department", DEPARTMENT, 200),
        ("ops", LEADER, 200),
        ("auditor", DEPARTMENT, 200),
        ("community", STREET, 404),
        ("street", "440105001", 404),
        ("street", DEPARTMENT, 404),
        ("department", LEADER, 404),
        ("worker", COMMUNITY, 404),
        ("worker", STREET, 404),
        ("ops", "no-such-unit", 404),
        ("ops", "x%00y", 404),
    ],
)
async def test_who_reads_which_queue(house: House, who: str, unit: str, status: int) -> None:
    answer = await house.send(who, "GET", f"/v1/queues/{unit}")
    assert answer.status_code == status, answer.text
    assert status == 200 or answer.json()["code"] == "not_found"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "wait=61", "wait=-1", "state=lost", "typo=1", "limit=x"])
async def test_bad_parameters_are_422_even_where_there_is_no_such_queue(house: House, query: str) -> None:
    for path in (QUEUE, "/v1/queues/none"):
        name, _, value = query.partition("=")
        asked: dict[str, Any] = {name: value}
        answer = await house.send("community", "GET", path, **asked)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), answer.text
        assert answer.json()["errors"][0]["pointer"].startswith(f"?{name}")


async def test_a_street_reads_the_queues_of_its_units_as_far_as_it_sees_the_incidents(house: House) -> None:
    team, elsewhere = f"{STREET}-team-1", "440105001001"
    incident = await house.report("stranger", grid_code=f"{elsewhere}001")
    await house.act(elsewhere, incident, "raise", ground="other", reason="上呼")
    await house.act("440105001", incident, "assist", units=[team], reason="请邻街支援")
    own = await house.report()
    await house.act("community", own, "raise", ground="other", reason="上呼")
    await house.act("street", own, "assign", unit=team, reason="由执法队办理")

    for who, seen in (
        ("street", [own]),
        (team, [incident, own]),
        ("ops", [incident, own]),
        ("auditor", [incident, own]),
    ):
        rows = (await house.get(who, f"/v1/queues/{team}"))["items"]
        assert {row["id"] for row in rows} == {each["id"] for each in seen}, who
        for row in rows:
            assert (await house.send(who, "GET", f"/v1/incidents/{row['id']}")).status_code == 200
    assert (await house.send("street", "GET", f"/v1/incidents/{incident['id']}")).status_code == 404


async def test_only_a_poll_that_is_held_is_timed_apart(house: House) -> None:
    await house.sealed()
    tag = (await house.send("community", "GET", QUEUE)).headers["ETag"]
    assert (await poll(house, tag)).status_code == 304
    assert (await poll(house, tag, wait=1)).status_code == 304
    sample = house.process.metrics.registry.get_sample_value
    labels = {"method": "GET", "route": "/v1/queues/{unit}", "status": "304"}
    assert sample("sihu_http_request_seconds_count", labels) == 1
    assert sample("sihu_http_held_request_seconds_count", labels) == 1
