"""Policies over time: drafted, activated now or later; an incident keeps the version it was reported under."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from service.store.database import Database
from service.times import policies
from service.times.policy_file import PolicyFile
from tests.house import START, House
from tests.registry.bundles import DAY, NOW, OPS, bring, everything, files, row, working, written

pytestmark = pytest.mark.anyio

VERSIONS = "/v1/policies/example/versions"
SLOW = written(title="慢", verify="5d")
NONE = ("0", "-1", "x", "9999999999")
TOMORROW = (START + DAY).isoformat()


async def draft(house: House, policy: dict[str, Any] = SLOW) -> Any:
    answer = await house.send("ops", "POST", VERSIONS, policy)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def activate(house: House, version: int = 2, at: str | None = None) -> Any:
    answer = await house.send("ops", "POST", f"{VERSIONS}/{version}/activate", {"at": at} if at else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def stored(house: House) -> dict[str, list[tuple[object, ...]]]:
    """Every row, without the log's numbering, which comes when it comes."""
    found = await everything(house.process.database)
    return {name: rows for name, rows in found.items() if name != "log_batch"}


async def refused(house: House, path: str, body: Any, who: str = "ops") -> tuple[int, str, list[str]]:
    """Status, code and what is wrong; and nothing was written."""
    await house.key(who)
    before = await stored(house)
    answer = await house.send(who, "POST", path, body)
    assert await stored(house) == before
    problem = answer.json()
    return answer.status_code, problem["code"], [each["detail"] for each in problem.get("errors", [])]


async def events_of(house: House, kind: str, who: str = "auditor") -> list[Any]:
    await house.sealed()
    return [
        each["data"] for each in (await house.get(who, "/v1/events", types=f"sihu.policy.{kind}", limit=500))["items"]
    ]


async def in_force(house: House) -> list[int]:
    return [each["version"] for each in (await house.get("worker", VERSIONS))["items"] if each["active"]]


_UNREACHED = (
    "level 1, urgency normal, category urban-0110: "
    "no category comes to this row: correct the prefix, or leave the row out"
)


async def test_a_draft_is_the_next_version_and_nobody_is_under_it(house: House) -> None:
    answer = await house.send("ops", "POST", "/v1/policies", SLOW)
    assert (answer.status_code, answer.headers["location"]) == (201, VERSIONS)
    shown = answer.json()
    assert (shown["version"], shown["title"], shown["active"], shown["activations"]) == (2, "慢", False, [])
    assert shown["verify_s"] == 5 * 86_400
    assert await in_force(house) == [1]
    assert (await house.report())["policy"]["version"] == 1


async def test_the_newest_version_again_is_answered_200_and_nothing_is_written(house: House) -> None:
    first = await draft(house)
    before = await stored(house)
    for path in (VERSIONS, "/v1/policies"):
        again = await house.send("ops", "POST", path, SLOW)
        assert (again.status_code, again.json()) == (200, first)
    assert await stored(house) == before


async def test_another_title_is_another_version(house: House) -> None:
    await draft(house)
    await draft(house, {**SLOW, "title": "更慢"})
    listed = (await house.get("worker", VERSIONS))["items"]
    assert [each["title"] for each in listed[:2]] == ["更慢", "慢"]


async def test_what_says_something_else_is_the_version_after_and_versions_come_newest_first(house: House) -> None:
    await draft(house)
    await draft(house, written(verify="6d"))
    await draft(house, SLOW)  # not the newest any more: a version of its own
    listed = (await house.get("worker", VERSIONS))["items"]
    assert [(each["version"], each["verify_s"] // 86_400) for each in listed] == [(4, 5), (3, 6), (2, 5), (1, 3)]


async def test_another_code_is_another_policy_that_starts_at_1(house: House) -> None:
    path = "/v1/policies/other/versions"
    assert (await refused(house, path, written(code="other")))[:2] == (404, "not_found")
    made = await house.send("ops", "POST", "/v1/policies", written(code="other"))
    assert (made.status_code, made.json()["version"], made.headers["location"]) == (201, 1, path)
    assert (await house.send("worker", "GET", "/v1/policies/nobody/versions")).status_code == 404


async def test_a_version_of_another_code_is_refused(house: House) -> None:
    status, code, wrong = await refused(house, VERSIONS, written(code="other"))
    assert (status, code, len(wrong)) == (422, "validation_failed", 1)


async def test_activated_now_only_what_is_reported_from_then_on_is_under_it(house: House) -> None:
    early = await house.report()
    await draft(house)
    done = await activate(house)
    assert (done["active"], done["activations"]) == (True, ["2026-11-23T01:00:00Z"])
    assert await in_force(house) == [2]
    late = await house.report("colleague")
    assert (early["policy"]["version"], late["policy"]["version"]) == (1, 2)


async def test_activated_for_tomorrow_it_comes_into_force_at_that_instant(house: House) -> None:
    await draft(house)
    open_one = await house.report()
    done = await activate(house, at=TOMORROW)
    assert (done["active"], done["activations"]) == (False, ["2026-11-24T01:00:00Z"])
    await house.advance(to=(START + DAY - timedelta(microseconds=1)).isoformat())
    before = await house.report("colleague")
    await house.advance(to=TOMORROW)
    after = await house.report("colleague")
    assert [each["policy"]["version"] for each in (before, after)] == [1, 2]
    assert await in_force(house) == [2]
    await house.advance(seconds=86_400)
    kept = await house.get("worker", f"/v1/incidents/{open_one['id']}")
    assert (kept["policy"]["version"], kept["level"] > 1) == (1, True)  # it climbed, and still is under its own


async def test_an_offset_in_at_is_the_same_instant(house: House) -> None:
    await draft(house)
    await activate(house, at="2026-11-24T09:00:00+08:00")
    assert (await activate(house, at="2026-11-24T01:00:00Z"))["activations"] == ["2026-11-24T01:00:00Z"]


async def test_nothing_is_activated_in_the_past(house: House) -> None:
    await draft(house)
    at = (START - timedelta(microseconds=1)).isoformat()
    status, code, wrong = await refused(house, f"{VERSIONS}/2/activate", {"at": at})
    assert (status, code) == (422, "validation_failed")
    assert "nothing is activated in the past" in wrong[0]


@pytest.mark.parametrize("at", ["2026-11-24", "2026-11-24T09:00:00", 1_795_482_000, "tomorrow", True])
async def test_at_is_a_moment_with_its_offset(house: House, at: object) -> None:
    await draft(house)
    status, code, _ = await refused(house, f"{VERSIONS}/2/activate", {"at": at})
    assert (status, code) == (422, "validation_failed")


@pytest.mark.parametrize(
    "version", ["example/versions/2", "nobody/versions/1", *(f"example/versions/{n}" for n in NONE)]
)
async def test_an_unknown_version_is_404(house: House, version: str) -> None:
    assert (await refused(house, f"/v1/policies/{version}/activate", {}))[:2] == (404, "not_found")


@pytest.mark.parametrize("at", [None, TOMORROW])
async def test_the_same_activation_again_is_done_once(house: House, at: str | None) -> None:
    await draft(house)
    first = await activate(house, at=at)
    before = await stored(house)
    assert await activate(house, at=at) == first
    assert await stored(house) == before


async def test_what_is_in_force_already_is_not_activated_later_once_more(house: House) -> None:
    await house.advance(seconds=60)
    assert (await refused(house, f"{VERSIONS}/1/activate", {}))[:2] == (409, "conflict")
    assert (await refused(house, f"{VERSIONS}/1/activate", {"at": TOMORROW}))[:2] == (409, "conflict")


async def test_the_version_in_force_may_be_told_to_come_back_after_another(house: House) -> None:
    await draft(house)
    await activate(house, at=TOMORROW)
    await activate(house, 1, at=(START + 2 * DAY).isoformat())
    for versions in ([2], [1]):
        await house.advance(seconds=86_400)
        assert await in_force(house) == versions


async def test_of_two_for_one_instant_the_later_decision_counts(house: House) -> None:
    await draft(house)
    await draft(house, written(verify="6d"))
    await activate(house, 3, at=TOMORROW)
    await activate(house, 2, at=TOMORROW)
    await house.advance(to=TOMORROW)
    assert await in_force(house) == [2]


async def test_a_decision_taken_back_for_the_same_instant_can_be_taken_again(house: House) -> None:
    await draft(house)
    for version in (2, 1, 2):  # the virtual clock stands still
        assert (await activate(house, version))["version"] == version
        assert await in_force(house) == [version]


@pytest.mark.parametrize("who", ["worker", "community", "leader", "auditor"])
async def test_only_ops_may_write_and_activate(house: House, who: str) -> None:
    await draft(house)
    for path, body in (("/v1/policies", SLOW), (VERSIONS, SLOW), (f"{VERSIONS}/2/activate", {})):
        assert (await refused(house, path, body, who))[:2] == (403, "not_yours")
    assert [each["version"] for each in (await house.get(who, VERSIONS))["items"]] == [2, 1]


async def test_the_feed_tells_who_drafted_and_activated_what_and_when(house: House) -> None:
    await house.advance(seconds=90)
    await draft(house)
    await activate(house, at=TOMORROW)
    by = {"kind": "ops", "subject": "ops"}
    policy = {"code": "example", "version": 2}
    assert await events_of(house, "drafted") == [{"policy": policy, "by": by}]
    (activated,) = [each for each in await events_of(house, "activated") if each["policy"] == policy]
    rows, left_out = activated.pop("rows"), activated.pop("rows_left_out")
    before = {"code": "example", "version": 1}
    assert activated == {"policy": policy, "at": TOMORROW.replace("+00:00", "Z"), "before": before, "by": by}
    assert (rows[0]["row"], rows[0]["changes"]["title"]["to"], left_out) == ("", "慢", 0)
    await house.sealed()
    listed = (await house.get("ops", "/v1/events", types="sihu.policy.drafted"))["items"]
    assert [(each["time"], each["source"]) for each in listed] == [("2026-11-23T01:01:30Z", "/sihu/440105")]


async def test_a_bad_policy_is_refused_with_every_fault_and_nothing_is_written(house: House) -> None:
    rows = [*written()["rows"][1:], row(4, "normal"), working(category="urban", answer="2d")]
    status, code, wrong = await refused(house, VERSIONS, written(rows=rows))
    assert (status, code, len(wrong)) == (422, "validation_failed", 5)
    assert any("no row for level 1, urgency urgent" in each for each in wrong)
    status, code, wrong = await refused(house, VERSIONS, written(row(category="x"), verify="3", wran=[1]))
    assert (status, code, len(wrong)) == (422, "validation_failed", 2)


async def test_what_the_registry_shows_is_told_in_full_as_well(house: House) -> None:
    bad = written(row(category="x"), working(category="y"), calendar="cn", hours=["08:00-12:00"])
    status, code, wrong = await refused(house, "/v1/policies", bad)
    assert (status, code) == (422, "validation_failed")
    assert [each.split(": ")[0] for each in wrong] == [
        "level 1, urgency normal, category x",
        "level 1, urgency normal, category y",
        "calendar cn holds no days",
    ]


async def test_a_version_that_no_longer_fits_the_registry_cannot_be_activated(house: House) -> None:
    days = {"source": "t", "days": [{"day": "2026-11-24", "workday": True}]}
    assert (await house.send("ops", "PUT", "/v1/calendars/own/days", days)).status_code == 200
    narrow = written(row(category="urban-0110"), working(category="urban"), calendar="own", hours=["08:00-12:00"])
    await draft(house, narrow)
    async with house.process.database.begin() as tx:
        await tx.execute(text("DELETE FROM category WHERE code LIKE 'urban-0110%'"))
    status, _, wrong = await refused(house, f"{VERSIONS}/2/activate", {})
    assert (status, wrong) == (422, [_UNREACHED])
    async with house.process.database.begin() as tx:
        await tx.execute(text("DELETE FROM calendar_day"))
    status, _, wrong = await refused(house, f"{VERSIONS}/2/activate", {})
    assert (status, wrong[-1]) == (422, "calendar own holds no days: load them first (sihu calendar load)")


async def test_a_version_whose_boxes_end_no_more_cannot_be_activated(database: Database) -> None:
    await bring(database, files())
    async with database.begin() as tx:
        await tx.execute(text("INSERT INTO calendar_day VALUES ('own', '2026-11-24', true, 't', NULL, now())"))
    boxed = PolicyFile.model_validate(written(working(category="u"), calendar="own", hours=["08:00-12:00"]))
    await policies.draft(database, boxed, NOW, OPS)
    async with database.begin() as tx:
        await tx.execute(text("DELETE FROM calendar_day"))
        off = (
            "SELECT 'own', d, false, 't', NULL, now() FROM generate_series(date '2000-01-01', '2099-12-31', '1 day') d"
        )
        await tx.execute(text(f"INSERT INTO calendar_day {off}"))
    with pytest.raises(Exception, match="fault"):
        await policies.activate(database, "example", 2, None, NOW, OPS)
