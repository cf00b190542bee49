"""Every operation × every kind of caller: who is let in, who may not, and to whom a thing does not exist.

The table is written by hand. An operation that is new fails the test until somebody has said here for whom it is.
"""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import text

from service.store.schema import metadata
from tests.house import House
from tests.security import requests
from tests.security.requests import Sent

pytestmark = pytest.mark.anyio

CALLERS = (
    *("stranger", "other_street", "department", "leader", "security"),  # the incident is none of theirs
    *("worker", "community", "street", "auditor", "ops"),
)
"""The worker reported the incident, and the community is called."""
TABLE = """
-+++--++++  GET /v1/appraisal
-+++--++++  GET /v1/appraisal/calls
--------++  GET /v1/appraisal/watch
--------++  GET /v1/appraisal/watch/calls
---------+  POST /v1/appraisal/{period}/close
++++++++++  GET /v1/calendars/{code}/coverage
++++++++++  GET /v1/calendars/{code}/days
---------+  PUT /v1/calendars/{code}/days
++++++++++  GET /v1/categories
---------+  POST /v1/clock/advance
++++++++++  GET /v1/duties
-+++--++-+  POST /v1/duties
++++++++++  GET /v1/duties/proposals
---------+  POST /v1/duties/{code}/approve
-+++--++-+  POST /v1/duties/{code}/refuse
++++++++++  GET /v1/events
++++++++++  GET /v1/grid-cells
0000000000  GET /v1/grid-cells/locate
++++++++++  GET /v1/grid-cells/{code}
++++++++++  GET /v1/grid-cells/{code}/chain
++++++++++  GET /v1/incidents
-----++--+  POST /v1/incidents
++++++++++  POST /v1/incidents/batch
---------+  POST /v1/incidents/flood
00000+++++  GET /v1/incidents/{incident_id}
00000+-+-+  POST /v1/incidents/{incident_id}/accept
00000-+---  POST /v1/incidents/{incident_id}/answer
00000-+---  POST /v1/incidents/{incident_id}/appeal
0000000000  POST /v1/incidents/{incident_id}/appeals/{seq}/approve
0000000000  POST /v1/incidents/{incident_id}/appeals/{seq}/refuse
00000-+--+  POST /v1/incidents/{incident_id}/assign
00000-+---  POST /v1/incidents/{incident_id}/assist
00000+++--  POST /v1/incidents/{incident_id}/comment
00000--+-+  POST /v1/incidents/{incident_id}/correct
00000+++++  GET /v1/incidents/{incident_id}/deadline
00000-----  POST /v1/incidents/{incident_id}/decline
00000-+---  POST /v1/incidents/{incident_id}/extend
00000-+---  POST /v1/incidents/{incident_id}/hold
00000--+-+  POST /v1/incidents/{incident_id}/merge
00000-----  POST /v1/incidents/{incident_id}/part-done
00000+++++  GET /v1/incidents/{incident_id}/plan
00000-+---  POST /v1/incidents/{incident_id}/raise
00000+-+--  POST /v1/incidents/{incident_id}/rate
00000+-+-+  POST /v1/incidents/{incident_id}/reject
00000+-+--  POST /v1/incidents/{incident_id}/reopen
0000000000  POST /v1/incidents/{incident_id}/requests/{n}/approve
0000000000  POST /v1/incidents/{incident_id}/requests/{n}/refuse
00000-+---  POST /v1/incidents/{incident_id}/resolve
00000-+---  POST /v1/incidents/{incident_id}/resume
00000-+---  POST /v1/incidents/{incident_id}/return
00000-++++  POST /v1/incidents/{incident_id}/reveal
00000+++++  GET /v1/incidents/{incident_id}/similar
00000+++++  GET /v1/incidents/{incident_id}/timeline
00000+-+--  POST /v1/incidents/{incident_id}/urge
00000-+---  POST /v1/incidents/{incident_id}/void
00000+----  POST /v1/incidents/{incident_id}/withdraw
----+-----  GET /v1/keys
----+-----  POST /v1/keys
----0-----  DELETE /v1/keys/{id}
----0-----  POST /v1/keys/{id}/rotate
++++++++++  GET /v1/lines
++++++++++  GET /v1/me
++++++++++  GET /v1/policies
---------+  POST /v1/policies
++++++++++  GET /v1/policies/{code}/versions
---------+  POST /v1/policies/{code}/versions
---------+  POST /v1/policies/{code}/versions/{n}/activate
0000000+++  GET /v1/queues/{unit}
----+---+-  GET /v1/refusals
---------+  POST /v1/registry/import
++++++++++  GET /v1/units
"""
"""A column for each of `CALLERS`. `+`: let in, whatever the request then leads to. `-`: 403. `0`: 404, as if there were
no such thing. A batch is let in because each of its items is judged by itself."""
EXPECTED = {line[12:]: line[:10] for line in TABLE.strip().splitlines()}
REFUSED = {403: "-", 404: "0"}


async def _mark(house: House, who: str, sent: Sent) -> str:
    """What one caller gets, as `TABLE` writes it; the incident is a fresh one."""
    incident = (await house.report())["id"] if "{incident_id}" in sent.path else ""
    path = sent.path.replace("{incident_id}", incident)
    answer = await house.send(who, sent.method, path, sent.body, headers=None, **sent.query)
    return REFUSED.get(answer.status_code, "+")


@pytest.mark.clause(
    "API1:2023",
    "API5:2023",
    "API9:2023",
    "ASVS 8.2.1",
    "ASVS 8.2.2",
    "ASVS 8.3.1",
    "GB/T 22239 8.1.4.2 a",
    "GB/T 22239 8.1.4.2 f",
    "PIPL 51",
)
async def test_an_operation_lets_in_whom_the_table_says(house: House) -> None:
    await house.key("security")  # from now on ops look after keys no more
    days = {"source": "x", "days": [{"day": "2026-11-23", "workday": True}]}
    assert (await house.send("ops", "PUT", "/v1/calendars/cn/days", days)).status_code == 200
    found = {each.operation: "".join([await _mark(house, who, each) for who in CALLERS]) for each in requests.every()}
    assert found == EXPECTED


@pytest.mark.clause("API2:2023", "ASVS 3.5.1", "ASVS 6.3.4", "ASVS 8.3.1", "ASVS 14.2.1", "ASVS 16.2.5")
@pytest.mark.parametrize("key", [None, "Bearer sihu_wrong", "Basic b3BzOm9wcw==", "Bearer "])
async def test_nobody_is_let_in_without_a_key(house: House, key: str | None, caplog: pytest.LogCaptureFixture) -> None:
    """Nor does a key anywhere but in its header let anybody in, and the log holds it nowhere."""
    good = await house.key("ops")
    headers = {"Cookie": f"key={good}; session={good}", "X-Api-Key": good} | ({"Authorization": key} if key else {})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://house") as client:
        for each in requests.every():
            query = {**each.query, "api_key": good, "access_token": good}
            answer = await client.request(each.method, each.path, json=each.body, headers=headers, params=query)
            assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), each.operation
    assert "401" in caplog.text
    assert good not in caplog.text and "sihu_wrong" not in caplog.text


async def _contents(house: House) -> dict[str, str | None]:
    """A digest of each table but that of keys, where the day of a use is noted."""
    digest = "SELECT md5(string_agg(each::text, '' ORDER BY each::text)) FROM {} AS each"
    async with house.process.database.read() as connection:
        names = [name for name in metadata.tables if name != "access_key"]
        return {name: await connection.scalar(text(digest.format(name))) for name in names}


@pytest.mark.clause("ASVS 3.5.3")
async def test_reading_changes_nothing(house: House) -> None:
    for who in ("worker", "street", "ops"):  # making a key writes to the log
        await house.key(who)
    incident = await house.report()
    await house.act("community", incident, "raise", ground="beyond_powers", reason="需要执法权")
    await house.sealed()
    before = await _contents(house)
    assert before["incident"]
    for each in requests.every():
        for method in ("GET", "HEAD") if each.method == "GET" else ():
            for who in ("worker", "street", "ops"):
                path = each.path.replace("{incident_id}", incident["id"])
                await house.send(who, method, path, headers=None, **each.query)
    await house.sealed()
    assert await _contents(house) == before
