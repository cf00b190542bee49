"""Whoever reported what was merged is heard: by the survivor's unit, and in its figures."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from tests.house import COMMUNITY, House
from tests.scenarios.figures import figures, scores

pytestmark = pytest.mark.anyio


async def _chain(house: House) -> list[Any]:
    """The colleague's was merged into the worker's, and that into another of the worker's."""
    chain = [await house.report("colleague"), await house.report(), await house.report()]
    for one, into in pairwise(chain):
        await house.act("street", one, "merge", into=into["id"], reason="同一件")
    return chain


async def _told(house: House, incident: Any) -> list[tuple[str, str | None]]:
    items = (await house.get("ops", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    return [(each["type"].removeprefix("sihu."), each["data"]["note"]) for each in items]


async def test_words_to_a_merged_one_land_on_the_open_end(house: House) -> None:
    first, second, last = await _chain(house)
    shown = await house.act("colleague", first, "comment", text="还没人来")
    assert (shown["id"], shown["state"]) == (last["id"], "calling"), "the survivor is shown"
    assert (await house.act("worker", second, "urge", message="请快"))["id"] == last["id"]
    assert (await _told(house, last))[-2:] == [("incident.commented", "还没人来"), ("incident.urged", "请快")]
    for each in (first, second):
        assert ("incident.closed", "同一件") in (await _told(house, each))[-2:], "nothing else is written there"


async def test_the_merged_reporter_rejects_reopens_and_rates(house: House) -> None:
    first, _, last = await _chain(house)
    await house.act("community", last, "resolve", result="好了")
    rejected = await house.act("colleague", first, "reject", reason="还在")
    assert (rejected["id"], rejected["state"], rejected["calls"][0]["credit"]) == (last["id"], "calling", "rejected")
    await house.act("community", last, "resolve", result="真的好了")
    assert (await house.refused("colleague", last, "accept"))["status"] == 403, "that is its own reporter's"
    await house.act("worker", last, "accept")
    assert (await house.act("colleague", first, "reopen", reason="又有了"))["state"] == "calling"
    resolved = await house.act("community", last, "resolve", result="清了")
    assert (await house.act("worker", last, "rate", score=5))["rating"] == 5
    rated = await house.act("colleague", first, "rate", score=2)
    assert (rated["id"], rated["version"], rated["rating"]) == (last["id"], resolved["version"], 3.5)
    assert rated["calls"][-1]["outcome_rating"] == 3.5
    for who in ("worker", "colleague"):
        assert (await house.refused(who, first, "rate", score=1))["status"] == 409, "once each"
    listed = (await house.get("worker", "/v1/incidents"))["items"]
    assert [each["rating"] for each in listed if each["id"] == last["id"]] == [3.5]
    unit = next(
        each
        for each in (await house.get("auditor", "/v1/appraisal", period="2026-11", group_by="unit"))["items"]
        if each["group"]["code"] == COMMUNITY
    )
    assert (unit["reporter_rating"]["n"], unit["reporter_rating"]["mean"]) == (1, 3.5)
    assert (unit["score_parts"]["reporter"]["n"], unit["score_parts"]["reporter"]["of"]) == (3.5, 5)
    assert (await figures(house))[COMMUNITY]["closed"] == 2
    assert (await scores(house))[COMMUNITY] is not None


async def test_other_acts_on_a_merged_one_are_refused(house: House) -> None:
    first, _, last = await _chain(house)
    assert (await house.refused("colleague", first, "withdraw", reason="算了"))["status"] == 409
    assert (await house.refused("community", first, "answer", measure="去看"))["status"] == 409
    assert (await house.refused("stranger", first, "comment", text="x"))["status"] == 404
    assert (await house.refused("colleague", first, "reject", reason="x"))["state"] == "calling", "the survivor's"
    assert (await house.get("ops", f"/v1/incidents/{last['id']}"))["state"] == "calling"


async def test_a_street_rates_the_department_that_had_the_merged_one(house: House) -> None:
    one, other = await house.report("colleague"), await house.report()
    for incident in (one, other):
        for unit in ("community", "street"):
            await house.act(unit, incident, "raise", ground="other", reason="上呼")
    await house.act("street", one, "merge", into=other["id"], reason="同一件")
    rated = await house.act("street", one, "rate", score=3, call=3)
    assert (rated["id"], rated["calls"][2]["rating"]) == (one["id"], 3)
