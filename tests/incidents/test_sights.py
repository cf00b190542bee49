"""Who sees how much of an incident, over HTTP and by every route that shows one (contract-reach §4, "Sights").

Everything that people wrote in this story holds a number of a person. The bytes of every answer are searched for them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest

from tests.house import CATEGORY, CELL, COMMUNITY, DEPARTMENT, LEADER, STREET, House

pytestmark = pytest.mark.anyio

FIRM, POLICE = f"{COMMUNITY}-property", "dept-police"
POINT: dict[str, Any] = {"lat": 23.0861234, "lon": 113.2734567, "coord_type": "gcj02", "accuracy_m": 12.625}
SOURCE = {"system": "grid-app", "ref": "REF-OF-THE-SOURCE"}
IDENTITY, LANDLINE = "11010519491231002X", "020-81234567"
NUMBERS = [f"138{n:08d}" for n in range(71_000_001, 71_000_020)]
"""Each text of the story has a number of its own."""

SIGHTS = {
    "worker": "full",
    "community": "full",
    "street": "full",
    "department": "full",
    "leader": "full",  # it is asked for more time
    "ops": "full",
    POLICE: "shared",
    FIRM: "masked",  # it assisted in a call before
    "colleague": "masked",
    "auditor": "masked",
    "stranger": "none",
    "other_street": "none",
    "security": "none",
}
BEHIND = {"period": "2026-11", "group_by": "unit", "measure": "calls"}
QUERIES: dict[str, dict[str, Any]] = {
    "/v1/appraisal": {"period": "2026-11"},
    "/v1/appraisal/calls": BEHIND,
    "/v1/appraisal/watch": {"period": "2026-11"},
    "/v1/appraisal/watch/calls": {"period": "2026-11", "unit": COMMUNITY, "sign": "raised"},
    "/v1/grid-cells/locate": {"lat": 23.08, "lon": 113.27, "coord_type": "wgs84"},
    "/v1/grid-cells/{code}/chain": {"category": CATEGORY},
    "/v1/calendars/{code}/days": {"first": "2026-11-01", "last": "2026-11-30"},
    "/v1/incidents": {"limit": 500},
    "/v1/events": {"limit": 500},
}


def number(n: int) -> str:
    return NUMBERS[n]


async def story(house: House, **fields: Any) -> Any:
    """An incident on which everybody has written something: it is called at the department, which asks for time."""
    description = f"张三 {number(0)} 身份证{IDENTITY} 座机{LANDLINE},工单2026-000123"
    incident = await house.report(description=description, location=POINT, source=SOURCE, key="k", **fields)
    await house.act("worker", incident, "comment", text=f"请回电 +86 {number(1)[:3]} {number(1)[3:]}")
    if not fields.get("confidential"):
        await house.act("community", incident, "assist", units=[FIRM], reason=f"联系{number(2)}")
        await house.act(FIRM, incident, "part-done", comment=f"已清,{number(3)}")
    await house.act("community", incident, "answer", measure=f"去看 {number(4)}", contact=f"李四{number(5)}")
    await house.act("community", incident, "hold", until="2026-11-24T09:00:00+08:00", reason=f"等{number(6)}")
    await house.act("street", incident, "requests/1/approve", reason=f"同意,{number(7)}")
    await house.act("community", incident, "resume")
    await house.act("community", incident, "raise", ground="other", reason=f"问{number(8)}")
    await house.act("street", incident, "raise", ground="other", reason=f"再问{number(9)}")
    await house.act("department", incident, "answer", measure=f"派人{number(10)}")
    await house.act("department", incident, "assist", units=[POLICE], reason=f"找{number(11)}")
    await house.act(POLICE, incident, "part-done", comment=f"到场{number(12)}")
    await house.act("street", incident, "urge", message=f"快,{number(13)}")
    return await house.act("department", incident, "extend", until=await _later(house, incident), reason=number(14))


async def _later(house: House, incident: Any) -> str:
    due_at: str = (await house.get("ops", f"/v1/incidents/{incident['id']}"))["due_at"]
    return re.sub(r"T\d\d", "T23", due_at)


async def read_all(house: House, who: str, incident: Any) -> dict[str, str]:
    """What somebody can read by every route of the document, by its path; of other routes than incidents as well. But
    not who was refused: that names subjects to auditors, and tells of no incident."""
    document = house.app.openapi()
    found: dict[str, str] = {}
    for path in (path for path, item in document["paths"].items() if "get" in item and path.startswith("/v1/")):
        if path == "/v1/refusals":
            continue
        codes = (COMMUNITY, STREET, DEPARTMENT, POLICE, FIRM, LEADER) if "{unit}" in path else ("",)
        for unit in codes:
            code = "cn" if "calendars" in path else "example" if "policies" in path else CELL
            filled = path.format(incident_id=incident["id"], unit=unit, code=code)
            answer = await house.send(who, "GET", filled, **QUERIES.get(path, {}))
            assert answer.status_code in (200, 403, 404), (filled, answer.text)
            if answer.status_code == 200:
                found[filled] = _of_incidents(answer) if path == "/v1/events" else answer.text
    return found


def _of_incidents(feed: httpx.Response) -> str:
    """The events of incidents: those of keys tell auditors whose they are."""
    return json.dumps([each for each in feed.json()["items"] if "subject" in each], ensure_ascii=False)


@pytest.mark.clause(
    "API3:2023", "ASVS 8.2.3", "ASVS 14.2.4", "ASVS 15.3.1", "GB/T 22239 8.1.4.2 f", "GB/T 22239 8.1.4.11 b", "PIPL 51"
)
async def test_every_route_shows_each_viewer_its_own_sight(house: House) -> None:
    incident = await story(house)
    await house.sealed()
    shown = {who: await read_all(house, who, incident) for who in SIGHTS}
    own = f"/v1/incidents/{incident['id']}"
    for who, sight in SIGHTS.items():
        answers = shown[who]
        assert (own in answers) == (sight != "none"), who
        everything = "\n".join(answers.values())
        if sight == "none":
            assert incident["number"] not in everything and incident["id"] not in everything, who
        elif sight == "full":
            assert all(each in answers[own] + answers[f"{own}/timeline"] for each in NUMBERS[4:15]), who
            assert {number(0), IDENTITY, LANDLINE, "REF-OF-THE-SOURCE", "12.625"} <= set(_words(answers[own])), who
        else:
            _nothing_of_a_person(everything, who, has_point=sight == "shared")
    assert '"location":null' in shown["auditor"][own]
    assert '"lat":23.0861234' in shown[POLICE][own] and '"source":null' in shown[POLICE][own]


def _words(text: str) -> list[str]:
    return re.findall(r"[0-9A-Z.\-]+", text)


def _nothing_of_a_person(everything: str, who: str, *, has_point: bool) -> None:
    digits = re.sub(r"[ +]", "", everything)
    for planted in (*NUMBERS, IDENTITY, LANDLINE, "REF-OF-THE-SOURCE", '"worker"'):
        assert planted not in digits, (who, planted)
    assert has_point or not {"23.0861234", "113.2734567", "12.625"} & set(_words(everything)), who
    assert "2026-000123" in everything and "138****0001" in everything, who


@pytest.mark.clause("ASVS 8.2.3", "PIPL 51")
async def test_a_reporter_is_one_pseudonym_in_one_incident(house: House) -> None:
    first, second = await house.report(), await house.report()
    for incident in (first, second):
        await house.act("worker", incident, "comment", text="还在")
    names = []
    for incident in (first, second):
        view = await house.get("auditor", f"/v1/incidents/{incident['id']}")
        timeline = (await house.get("auditor", f"/v1/incidents/{incident['id']}/timeline"))["items"]
        [name] = {each["data"]["by"]["subject"] for each in timeline if each["data"]["by"]["kind"] == "reporter"}
        assert re.fullmatch("reporter-[0-9a-f]{10}", name)
        rows = (await house.get("colleague", "/v1/incidents"))["items"]
        assert {view["reporter"], next(row["reporter"] for row in rows if row["id"] == incident["id"])} == {name}
        names.append(name)
    assert names[0] != names[1]
    await house.sealed()
    feed = (await house.get("auditor", "/v1/events", limit=500))["items"]
    acts = [each["data"]["by"] for each in feed if each["data"].get("by", {}).get("kind") == "reporter"]
    assert acts and all(by == {"kind": "reporter"} for by in acts)
    for who in ("worker", "community", "ops"):
        assert (await house.get(who, f"/v1/incidents/{first['id']}"))["reporter"] == "worker"


async def test_the_approver_and_who_assists_lose_sight_with_their_part(house: House) -> None:
    incident = await story(house)
    path = f"/v1/incidents/{incident['id']}"
    assert (await house.get("leader", path))["source"] == SOURCE
    await house.act("leader", incident, "requests/2/refuse", reason="不同意")
    left = await house.send("leader", "GET", path)
    _nothing_of_a_person(left.text, "leader", has_point=False)
    assert (await house.get(POLICE, path))["location"] == POINT
    await house.act("department", incident, "resolve", result=f"办好 {number(15)}")
    for who in (POLICE, "leader"):
        answer = await house.send(who, "GET", path)
        _nothing_of_a_person(answer.text, who, has_point=False)


@pytest.mark.clause("API3:2023")
@pytest.mark.parametrize("who", ["leader", POLICE, "department"])
async def test_lists_and_single_look_ups_show_the_same(house: House, who: str) -> None:
    incident = await story(house)
    view = await house.get(who, f"/v1/incidents/{incident['id']}")
    lists = {
        "/v1/incidents": {},
        "/v1/incidents?": {"state": "answered"},
        "/v1/incidents??": {"unit": DEPARTMENT, "state": "answered"},
    }
    rows = [
        row
        for path, query in lists.items()
        for row in (await house.get(who, path.rstrip("?"), **query))["items"]
        if row["id"] == incident["id"]
    ]
    if who != "leader":
        [queued] = (await house.get(who, f"/v1/queues/{DEPARTMENT if who == 'department' else who}"))["items"]
        assert queued.pop("assisting") == (who == POLICE)
        rows.append(queued)
    assert len(rows) == (3 if who == "leader" else 4)
    assert rows == [{name: view[name] for name in row} for row in rows]


async def test_acts_and_replays_answer_by_the_sight_of_the_actor(house: House) -> None:
    incident = await story(house)
    other = await house.report(grid_code=CELL, who="colleague", description=f"也是 {number(16)}")
    merged = await house.act("ops", other, "merge", into=incident["id"], reason="同一件")
    assert number(16) in str(merged)
    beyond = await house.send("colleague", "POST", f"/v1/incidents/{other['id']}/comment", {"text": number(17)})
    assert (beyond.status_code, beyond.json()["id"]) == (200, incident["id"])
    _nothing_of_a_person(beyond.text, "colleague", has_point=False)
    for who, name in (("worker", "reporter-"), ("department", "colleague")):  # no reporter learns who else reported it
        timeline = (await house.get(who, f"/v1/incidents/{incident['id']}/timeline"))["items"]
        [by] = [each["data"]["by"]["subject"] for each in timeline if each["data"]["note"] == number(17)]
        assert by.startswith(name)
    body = {"grid_code": CELL, "category": CATEGORY, "description": "另报", "source": SOURCE}
    known = await house.send("colleague", "POST", "/v1/incidents", body)
    batch = await house.send("colleague", "POST", "/v1/incidents/batch", {"items": [body]})
    assert (known.status_code, batch.status_code) == (200, 200)
    for answer in (known, batch):
        _nothing_of_a_person(answer.text, "colleague", has_point=False)


@pytest.mark.clause("API3:2023")
async def test_candidates_are_compared_by_what_the_viewer_sees(house: House) -> None:
    """The distance between two points would tell where a point is that only the cell is shown of."""
    here, there = {**POINT, "accuracy_m": None}, {**POINT, "lat": 23.0866234, "accuracy_m": None}
    far = {**POINT, "lat": 23.0911234, "accuracy_m": None}
    first = await house.report(location=here)
    near, away = await house.report(location=there), await house.report(location=far)
    similar = f"/v1/incidents/{first['id']}/similar"
    found = (await house.get("street", similar))["items"]
    assert [(each["id"], 50 < each["distance_m"] < 60) for each in found] == [(near["id"], True)]
    for who in ("colleague", "auditor"):
        found = (await house.get(who, similar))["items"]
        assert {(each["id"], each["distance_m"], each["location"]) for each in found} == {
            (near["id"], None, None),
            (away["id"], None, None),
        }


@pytest.mark.clause("ASVS 8.2.3")
async def test_a_304_says_nothing_of_another_sight(house: House) -> None:
    incident = await story(house)
    path = f"/v1/incidents/{incident['id']}"
    etag = (await house.send("community", "GET", path)).headers["ETag"]
    for who in ("community", "auditor"):
        unchanged = await house.send(who, "GET", path, headers={"If-None-Match": etag})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["Vary"] == "Accept-Language, Authorization, Cookie"


# --- in confidence ----------------------------------------------------------------------------------------------------


@pytest.mark.clause("ASVS 8.2.2", "GB/T 22239 8.1.4.11 b")
async def test_what_is_confidential_is_nothing_to_the_area_and_partners(house: House) -> None:
    incident = await story(house, confidential=True)
    await house.sealed()
    for who in ("colleague", FIRM, "stranger"):
        for path, answer in (await read_all(house, who, incident)).items():
            assert incident["id"] not in answer and incident["number"] not in answer, (who, path)
        assert (await house.send(who, "GET", f"/v1/incidents/{incident['id']}")).status_code == 404
    assert (await house.get("worker", f"/v1/incidents/{incident['id']}"))["confidential"]
    events = (await house.get("worker", "/v1/events", limit=500))["items"]
    assert incident["id"] in {each["subject"] for each in events}


@pytest.mark.clause("ASVS 8.2.3", "GB/T 22239 8.1.4.11 b")
async def test_in_confidence_only_ops_see_who_reported(house: House) -> None:
    incident = await story(house, confidential=True)
    await house.sealed()
    for who in ("community", "street", "department", "leader", "auditor"):
        for path, answer in (await read_all(house, who, incident)).items():
            assert '"worker"' not in answer, (who, path)
        view = await house.get(who, f"/v1/incidents/{incident['id']}")
        assert re.fullmatch("reporter-[0-9a-f]{10}", view["reporter"])
    assert (await house.get("community", f"/v1/incidents/{incident['id']}"))["source"] == SOURCE
    for who in ("ops", "worker"):
        assert (await house.get(who, f"/v1/incidents/{incident['id']}"))["reporter"] == "worker"


async def test_a_unit_that_reports_in_confidence_is_not_named(house: House) -> None:
    incident = await house.report("community", confidential=True)
    await house.sealed()
    timeline = (await house.get("street", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    feed = (await house.get("street", "/v1/events", limit=500))["items"]
    for each in timeline:
        assert each["data"]["by"].keys() == {"kind", "subject"}
        assert each["data"]["by"]["subject"].startswith("reporter-")
    told = [each["data"]["by"] for each in feed if each.get("subject") == incident["id"]]
    assert told == [{"kind": "unit"}] * len(timeline)


@pytest.mark.parametrize("who", ["community", "street"])
async def test_what_a_unit_does_when_called_names_it(house: House, who: str) -> None:
    """Only the called unit can answer and raise: who goes without a name there would be told by it to have reported."""
    incident = await house.report(who, confidential=True)
    await house.act("community", incident, "answer", measure="去看")
    await house.act("community", incident, "hold", until="2026-11-24T09:00:00+08:00", reason="等")
    await house.act("street", incident, "requests/1/approve", reason="同意")
    await house.act("community", incident, "resume")
    await house.act("community", incident, "raise", ground="other", reason="问")
    await house.sealed()
    view = await house.get("auditor", f"/v1/incidents/{incident['id']}")
    by = {"kind": "unit", "subject": COMMUNITY, "unit": COMMUNITY}
    assert view["calls"][0]["ended_by"] == view["requests"][0]["asked_by"] == by
    assert view["requests"][0]["decided_by"]["unit"] == STREET
    timeline = (await house.get("auditor", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    feed = (await house.get("auditor", "/v1/events", limit=500))["items"]
    told = [each["data"]["by"] for each in feed if each.get("subject") == incident["id"]]
    units = [COMMUNITY, COMMUNITY, STREET, COMMUNITY, COMMUNITY, COMMUNITY]
    assert [each.get("unit") for each in told] == [None, None, *units]
    assert [each["data"]["by"].get("unit") for each in timeline] == [None, None, *units]
    assert [each["data"]["by"]["subject"] for each in timeline[2:]] == units


@pytest.mark.parametrize("verb", ["withdraw", "comment"])
async def test_what_a_unit_does_as_reporter_hides_it(house: House, verb: str) -> None:
    incident = await house.report("street", confidential=True)
    words = {"text": "还在"} if verb == "comment" else {"reason": "已解决"}
    await house.act("street", incident, verb, **words)
    view = await house.get("auditor", f"/v1/incidents/{incident['id']}")
    timeline = (await house.get("auditor", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    hidden = {"kind": "unit", "subject": view["reporter"]}
    assert timeline[-1]["data"]["by"] == hidden
    assert view["calls"][0]["ended_by"] == (hidden if verb == "withdraw" else None)


async def test_what_is_confidential_is_never_merged(house: House) -> None:
    """Whoever reported the other one would see it from then on, and may be the one whom it accuses."""
    plain, hidden = await house.report(), await house.report(confidential=True)
    for incident in (plain, hidden):
        assert (await house.get("street", f"/v1/incidents/{incident['id']}/similar"))["items"] == []
    for who in ("street", "ops"):
        into = await house.refused(who, plain, "merge", into=hidden["id"], reason="同一件")
        assert (into["status"], into["errors"][0]["pointer"]) == (422, "/into")
        own = await house.refused(who, hidden, "merge", into=plain["id"], reason="同一件")
        assert (own["status"], own["code"]) == (409, "conflict")


async def test_no_partner_assists_in_confidence(house: House) -> None:
    incident = await house.report(confidential=True)
    refused = await house.refused("community", incident, "assist", units=[FIRM], reason="来清")
    assert (refused["status"], refused["errors"][0]["pointer"]) == (422, "/units/0")
    assert (await house.get(FIRM, f"/v1/queues/{COMMUNITY}"))["items"] == []
    assert (await house.get(FIRM, f"/v1/queues/{FIRM}"))["items"] == []


async def test_a_partner_keeps_what_it_may_do(house: House) -> None:
    incident = await house.report(description=f"渗水 {number(0)}", location=POINT)
    answered = await house.send(FIRM, "POST", f"/v1/incidents/{incident['id']}/answer", {"measure": number(1)})
    assert (answered.status_code, answered.json()["location"]) == (200, POINT)
    assert not {number(0), number(1)} & set(_words(answered.text)) and '"reporter":null' in answered.text
    view = await house.get("community", f"/v1/incidents/{incident['id']}")
    assert view["calls"][0]["answer"]["measure"] == number(1)
