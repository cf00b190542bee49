"""Who may be brought in, who may leave again, and what a partner may do for the unit it belongs to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import CATEGORY, COMMUNITY, DEPARTMENT, STREET, House
from tests.scenarios.figures import figures

pytestmark = pytest.mark.anyio

POLICE, TRANSPORT, FIRE = "dept-police", "dept-transport", "dept-fire"
FIRM, ACCUSED = f"{COMMUNITY}-property", "urban-0128"
"""A property firm, which answers for rubbish, and a category for which it does not."""


def assisting(incident: Any) -> dict[str, tuple[bool, bool]]:
    """Each unit that was asked in the last call, with whether its part is done, and whether it declined."""
    asked = incident["calls"][-1]["assisting"]
    assert all((each["part"], each["due_at"]) == (None, None) for each in asked)
    return {each["unit"]: (each["done_at"] is not None, each["declined"]) for each in asked}


async def queue(house: House, unit: str, who: str | None = None) -> list[str]:
    return [row["id"] for row in (await house.get(who or unit, f"/v1/queues/{unit}"))["items"]]


async def test_a_community_brings_in_no_department_and_nobody_is_kept(house: House) -> None:
    """Seventeen departments at once all saw it, and none could leave."""
    incident = await house.report()
    refused = await house.refused("community", incident, "assist", units=[FIRM, POLICE], reason="都来")
    assert (refused["status"], refused["errors"][0]["pointer"]) == (422, "/units/1")
    assert (await house.send(POLICE, "GET", f"/v1/incidents/{incident['id']}")).status_code == 404
    street = await house.refused("community", incident, "assist", units=[STREET], reason="都来")
    assert "raise it instead" in street["detail"]

    for who in ("community", "street"):
        incident = await house.act(who, incident, "raise", ground="other", reason="无权处理")
    joined = await house.act("department", incident, "assist", units=[POLICE, TRANSPORT], reason="联合")
    assert assisting(joined) == {POLICE: (False, False), TRANSPORT: (False, False)}
    before = await house.send(POLICE, "GET", f"/v1/queues/{POLICE}")
    left = await house.act(POLICE, incident, "decline", reason="与公安职责无关")
    assert assisting(left) == {POLICE: (False, True), TRANSPORT: (False, False)}
    assert (left["state"], left["due_at"], left["version"]) == ("calling", joined["due_at"], joined["version"] + 1)
    after = await house.send(POLICE, "GET", f"/v1/queues/{POLICE}", headers={"If-None-Match": before.headers["etag"]})
    assert (after.status_code, after.json()["items"]) == (200, [])
    assert await queue(house, TRANSPORT) == [incident["id"]]
    again = await house.refused(POLICE, incident, "decline", reason="再说一次")
    assert (again["status"], again["code"]) == (403, "not_yours")
    done = await house.act(TRANSPORT, incident, "part-done", comment="交通已疏导")
    assert assisting(done) == {POLICE: (False, True), TRANSPORT: (True, False)}
    stays = await house.refused(TRANSPORT, incident, "decline", reason="不干了")
    assert (stays["status"], stays["code"]) == (409, "illegal_transition")
    log = (await house.get(POLICE, f"/v1/incidents/{incident['id']}/timeline"))["items"]
    declined = [each["data"] for each in log if each["type"] == "sihu.call.declined"]
    assert [(each["note"], each["by"]["unit"], each["call"]) for each in declined] == [("与公安职责无关", POLICE, 3)]


async def test_a_decline_is_done_once_and_needs_a_reason(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "assist", units=[FIRM], reason="协助")
    path = f"/v1/incidents/{incident['id']}/decline"
    assert (await house.send(FIRM, "POST", path, {})).status_code == 422
    assert (await house.send("other_street", "POST", path, {"reason": "x"})).status_code == 404
    headers = {"Idempotency-Key": "k"}
    first = await house.send(FIRM, "POST", path, {"reason": "人手不足"}, headers=headers)
    again = await house.send(FIRM, "POST", path, {"reason": "人手不足"}, headers=headers)
    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (200, 200, "true")
    back = await house.act("community", incident, "assist", units=[FIRM], reason="请再考虑")
    assert assisting(back) == {FIRM: (False, False)}


async def test_the_whistle_of_a_street_brings_departments_at_once(house: House) -> None:
    """吹哨报到: with the raise, and before anybody has answered it."""
    incident = await house.report()
    await house.act("community", incident, "raise", ground="other", reason="无权处理")
    body = {"ground": "joint_action", "reason": "联合整治", "units": [POLICE, DEPARTMENT, TRANSPORT]}
    raised = await house.act("street", incident, "raise", **body)
    assert (raised["unit"]["code"], raised["level"]) == (DEPARTMENT, 3)
    assert assisting(raised) == {POLICE: (False, False), TRANSPORT: (False, False)}
    for unit in (POLICE, TRANSPORT):
        assert await queue(house, unit) == [incident["id"]]
    await house.sealed()
    heard = (await house.get(POLICE, "/v1/events"))["items"]
    assert [each["type"] for each in heard] == ["sihu.call.raised", "sihu.call.opened"]
    assert heard[0]["data"]["units"] == [POLICE, TRANSPORT]
    await house.act(POLICE, incident, "decline", reason="无警情")
    assert await queue(house, POLICE) == []


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"ground": "other", "units": [POLICE]}, "validation_failed", "/units"),
        ({"ground": "joint_action", "units": [POLICE, "440105003-team-1"]}, "validation_failed", "/units/1"),
        ({"ground": "joint_action", "units": ["leader-urban"]}, "validation_failed", "/units/0"),
        ({"ground": "joint_action", "units": ["nobody"]}, "unknown_unit", "/units/0"),
        ({"ground": "joint_action", "units": ["no blanks"]}, "validation_failed", "/units/0"),
        ({"ground": "joint_action", "units": [POLICE] * 21}, "validation_failed", "/units"),
    ],
)
async def test_a_whistle_that_names_anybody_else_is_refused(
    house: House, body: dict[str, Any], code: str, pointer: str
) -> None:
    incident = await house.report()
    refused = await house.refused("community", incident, "raise", reason="联合", **body)
    assert (refused["status"], refused["code"], refused["errors"][0]["pointer"]) == (422, code, pointer)
    assert (await house.get("community", f"/v1/incidents/{incident['id']}"))["version"] == 1
    assert (await house.act("community", incident, "raise", reason="联合", ground="other", units=[]))["level"] == 2


async def test_a_partner_answers_in_its_own_categories_alone(house: House) -> None:
    """The firm once answered an accusation against itself, and it counted for the community as if it had answered."""
    own = await house.report()
    against = await house.report(category=ACCUSED, description="举报：物业乱收费，本人张某 138…")
    assert await queue(house, COMMUNITY, FIRM) == [own["id"]]
    assert [row["id"] for row in (await house.get(FIRM, "/v1/incidents"))["items"]] == [own["id"]]
    for verb in ("", "/timeline", "/plan", "/deadline", "/similar"):
        assert (await house.send(FIRM, "GET", f"/v1/incidents/{against['id']}{verb}")).status_code == 404
    assert (await house.refused(FIRM, against, "answer", measure="已核实，不存在"))["code"] == "not_found"

    answered = await house.act(FIRM, own, "answer", measure="马上清运")
    assert answered["calls"][-1]["answered_by_member"]
    assert (answered["unit"]["code"], answered["state"]) == (COMMUNITY, "answered")
    await house.act("community", against, "answer", measure="社区核实")
    seen = await house.get("community", f"/v1/incidents/{against['id']}")
    assert not seen["calls"][-1]["answered_by_member"]
    for verb, body in (("comment", {"text": "在办"}), ("resolve", {"result": "好"}), ("urge", {"message": "快"})):
        assert (await house.refused(FIRM, own, verb, **body))["code"] == "not_yours"
    log = (await house.get("ops", f"/v1/incidents/{own['id']}/timeline"))["items"]
    facts = [each["data"] for each in log if each["type"] == "sihu.call.answered"]
    assert [(each["by"]["unit"], each["answered_by_member"]) for each in facts] == [(FIRM, True)]

    done = await house.act("community", own, "resolve", result="已清运")
    assert done["state"] == "resolved"
    assert (await house.send(FIRM, "GET", f"/v1/incidents/{own['id']}")).status_code == 404, "its parent's call is over"
    assert await queue(house, COMMUNITY, FIRM) == []
    assert (await figures(house))[COMMUNITY]["answered_in_time"] == 2


@pytest.mark.clause("GB/T 22239 8.1.4.11 b")
async def test_a_partner_never_learns_who_reported(house: House) -> None:
    """Neither where it may answer, nor where it assists; it sees that the reporter spoke, and what was said."""
    incident = await house.report(who="colleague", kind="suggestion")
    await house.act("community", incident, "resume")
    await house.act("community", incident, "assist", units=[FIRM], reason="协助")
    await house.act("colleague", incident, "comment", text="还没有人来")
    await house.sealed()
    answers = [
        await house.send(FIRM, "GET", path)
        for path in (
            f"/v1/incidents/{incident['id']}",
            f"/v1/incidents/{incident['id']}/timeline",
            "/v1/events",
            "/v1/incidents",
            f"/v1/queues/{COMMUNITY}",
            f"/v1/queues/{FIRM}",
        )
    ]
    assert all(each.status_code == 200 and incident["id"] in each.text for each in answers)
    assert not [each.request.url.path for each in answers if "colleague" in each.text]
    assert "还没有人来" in answers[1].text
    shown = await house.get("community", f"/v1/incidents/{incident['id']}/timeline")
    assert "colleague" in str(shown)


async def test_a_partner_without_categories_sees_nothing_of_its_parent(house: House) -> None:
    rows = "code,name,kind,parent\n440105003001-owners,业主委员会,partner,440105003001\n"
    imported = await house.send("ops", "POST", "/v1/registry/import", {"units.csv": rows}, dry_run="false")
    assert imported.status_code == 200, imported.text
    incident = await house.report(category=CATEGORY)
    owners = "440105003001-owners"
    assert (await house.send(owners, "GET", f"/v1/incidents/{incident['id']}")).status_code == 404
    assert (await house.send(owners, "GET", f"/v1/queues/{COMMUNITY}")).status_code == 404
    assert await queue(house, owners) == []
    units = (await house.get("ops", "/v1/units", limit=500))["items"]
    answers_for = {each["code"]: each["answers_for"] for each in units}
    assert (answers_for[owners], CATEGORY in answers_for[FIRM]) == ([], True)
