"""The request log: writes, refusals and faults, and nothing that a person wrote."""

from __future__ import annotations

import asyncio
import itertools
import logging
from typing import Any

import pytest

from service.web import request_log
from service.web.request_log import MAX_ADDRESSES, MAX_EACH, RequestLog
from tests.house import COMMUNITY, House
from tests.web import apps

pytestmark = pytest.mark.anyio

LOGGER = request_log.__name__


def lines(caplog: pytest.LogCaptureFixture, event: str = "request") -> list[dict[str, Any]]:
    """The fields of the lines so far, those without a value left out."""
    found = [each for each in caplog.records if each.name == LOGGER and vars(each)["event"] == event]
    return [{k: v for k, v in vars(each)["fields"].items() if v is not None} for each in found]


def refused(log: RequestLog, address: str, status: int = 401) -> None:
    scope = {"method": "GET", "path": "/v1/units", "client": (address, 1), "headers": []}
    request_log.mark(scope, "unauthorized")
    log.note(scope, status, (), 0.001)


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger=LOGGER)
    return caplog


@pytest.mark.clause("ASVS 16.2.1", "GB/T 22239 8.1.4.3 b")
async def test_a_write_is_a_line_and_a_read_is_none(house: House, heard: pytest.LogCaptureFixture) -> None:
    incident = await house.report()
    for path in ("/v1/incidents", f"/v1/incidents/{incident['id']}", f"/v1/queues/{COMMUNITY}", "/healthz"):
        await house.get("community", path)
    await house.act("community", incident, "answer", measure="去看看")
    reported, answered = lines(heard)
    assert reported.pop("ms") > 0
    assert len(reported.pop("request_id")) == 32
    of_both = {"method": "POST", "incident": incident["id"]}
    assert reported == {**of_both, "subject": "worker", "route": "/v1/incidents", "status": 201}
    assert answered["route"] == "/v1/incidents/{incident_id}/answer"
    assert (answered["subject"], answered["incident"], answered["status"]) == (COMMUNITY, incident["id"], 200)


@pytest.mark.clause("ASVS 16.2.1", "ASVS 16.2.5", "ASVS 16.3.2", "ASVS 16.3.3", "GB/T 22239 8.1.4.3 b")
async def test_a_refusal_is_a_line_with_its_code(house: House, heard: pytest.LogCaptureFixture) -> None:
    incident = await house.report()
    heard.clear()
    await house.refused("worker", incident, "answer", measure="去看看")
    await house.send("worker", "GET", "/v1/incidents/x?secret=张三", headers={"X-Request-Id": "night-7"})
    await house.send("worker", "POST", "/v1/incidents", {"description": "张三家漏水"})
    found = [(each["status"], each["code"], each["route"]) for each in lines(heard)]
    assert found == [
        (403, "not_yours", "/v1/incidents/{incident_id}/answer"),
        (422, "validation_failed", "/v1/incidents/{incident_id}"),
        (422, "validation_failed", "/v1/incidents"),
    ]
    assert [each.levelname for each in heard.records] == ["WARNING"] * 3
    assert lines(heard)[1]["request_id"] == "night-7"
    assert "张三" not in str([vars(each) for each in heard.records])


@pytest.mark.clause("ASVS 16.2.5", "ASVS 16.3.1")
async def test_a_wrong_key_leaves_its_address_and_not_itself(house: House, heard: pytest.LogCaptureFixture) -> None:
    await house.send("worker", "GET", "/v1/keys", headers={"Authorization": "Bearer sihu_stolen"})
    (found,) = lines(heard)
    assert (found["status"], found["code"], found["address"]) == (401, "unauthorized", "127.0.0.1")
    assert found["route"] == "/v1/keys", "although no route has seen the request"
    assert "subject" not in found and "stolen" not in str(vars(heard.records[0]))


@pytest.mark.parametrize(
    ("path", "outline"),
    [
        ("/v1/incident/2026-000020", "/v1/incident/*"),
        ("/v1/keys/sihu_abcdefgh/revoke", "/v1/keys/*/revoke"),
        ("/v1/units/张三/", "/v1/units/*/"),
        ("/v1/13800000000%0Aforged", "/v1/*"),
        ("/a" * 300, "/a" * 8),
    ],
)
async def test_of_an_unknown_path_only_words_are_shown(
    house: House, heard: pytest.LogCaptureFixture, path: str, outline: str
) -> None:
    await house.send("ops", "GET", path)
    (found,) = lines(heard)
    assert (found["route"], found["path"]) == ("unmatched", outline)


@pytest.mark.clause("ASVS 16.3.4")
async def test_a_fault_is_an_error_with_the_id_of_the_request(heard: pytest.LogCaptureFixture) -> None:
    log = RequestLog(itertools.count().__next__)
    async with apps.client(apps.make(note=log.note)) as client:
        await client.get("/v1/broken", headers={"X-Request-Id": "night-7"})
        await client.get("/v1/away")
    fault, away = lines(heard)
    assert (fault["status"], fault["code"], fault["request_id"]) == (500, "internal_error", "night-7")
    assert (away["status"], away["code"]) == (503, "unavailable")
    assert heard.records[0].levelname == "ERROR"


@pytest.mark.clause("ASVS 6.3.1", "ASVS 16.3.3")
async def test_a_flood_of_refusals_is_counted(heard: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = RequestLog(lambda: now)
    for _ in range(1000):
        refused(log, "192.0.2.1")
        refused(log, "192.0.2.2", 429)
    refused(log, "192.0.2.3")
    assert len(lines(heard)) == 2 * MAX_EACH + 1, "nobody else's line is lost"
    now = 1.5
    refused(log, "192.0.2.3")
    first, second = lines(heard, "refusals")
    assert first == {"status": 401, "code": "unauthorized", "address": "192.0.2.1", "count": 990, "seconds": 1.5}
    assert (second["status"], second["count"]) == (429, 990)


async def test_a_flood_from_many_addresses_is_bounded(heard: pytest.LogCaptureFixture) -> None:
    now = 0.0
    log = RequestLog(lambda: now)
    for n in range(5000):
        refused(log, f"2001:db8::{n:x}")
    assert len(lines(heard)) == MAX_ADDRESSES + MAX_EACH
    now = 1.0
    refused(log, "192.0.2.1")
    (rest,) = lines(heard, "refusals")
    assert (rest["address"], rest["count"]) == ("others", 5000 - MAX_ADDRESSES - MAX_EACH)


async def test_the_count_comes_although_the_flood_ends(
    heard: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "_WINDOW_S", 0.05)
    log = RequestLog(asyncio.get_running_loop().time)
    for _ in range(MAX_EACH + 5):
        refused(log, "192.0.2.1")
    async with asyncio.timeout(5):
        while not lines(heard, "refusals"):
            await asyncio.sleep(0.01)
    assert lines(heard, "refusals")[0]["count"] == 5


async def test_the_count_is_not_lost_when_the_process_ends(heard: pytest.LogCaptureFixture) -> None:
    log = RequestLog(asyncio.get_running_loop().time)
    for _ in range(MAX_EACH + 5):
        refused(log, "192.0.2.1")
    log.finish()
    assert lines(heard, "refusals")[0]["count"] == 5


async def test_a_level_above_costs_and_writes_nothing(house: House, heard: pytest.LogCaptureFixture) -> None:
    heard.set_level(logging.WARNING, logger=LOGGER)
    await house.report()
    assert lines(heard) == []
