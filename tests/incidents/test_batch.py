"""A batch on the wire: one result an item, each as a single POST would have it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from service.incidents import batch, intake, reporting
from service.incidents.examples import INCIDENT
from service.incidents.reporting import Reported
from service.incidents.schemas import BatchItem
from service.rules.errors import Unavailable
from service.rules.model import Actor
from service.rules.words import Role
from service.store.database import Database
from tests.house import CATEGORY, CELL, STREET, House

pytestmark = pytest.mark.anyio

BODY: dict[str, Any] = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮"}
ELSEWHERE = "440105001001001"


async def results_of(house: House, *items: Any, who: str = "worker") -> list[Any]:
    answer = await house.send(who, "POST", "/v1/incidents/batch", {"items": items})
    assert answer.status_code == 200, answer.text
    results: list[Any] = answer.json()["results"]
    assert [each["index"] for each in results] == list(range(len(items)))
    return results


def test_only_a_source_that_reported_before_is_200() -> None:
    assert batch.status_of(Reported(INCIDENT)) == 201
    assert batch.status_of(Reported(INCIDENT, replayed=True)) == 201
    assert batch.status_of(Reported(INCIDENT, known_source=True)) == 200


async def test_each_item_has_the_status_of_a_single_post(house: House) -> None:
    sourced = {**BODY, "source": {"system": "grid-app", "ref": "A-1"}}
    await house.report("stranger", **{**sourced, "grid_code": ELSEWHERE})
    own = {**BODY, "source": {"system": "grid-app", "ref": "A-2"}}
    items = [7, BODY, {**BODY, "grid_code": ELSEWHERE}, sourced, own, own, {**BODY, "description": ""}]
    results = await results_of(house, *items)
    statuses = [each["status"] for each in results]
    assert statuses == [422, 201, 403, 409, 201, 200, 422]
    assert [each.get("problem", {}).get("code") for each in results] == [
        "validation_failed",
        None,
        "not_yours",
        "source_taken",
        None,
        None,
        "validation_failed",
    ]
    assert results[4]["incident"]["id"] == results[5]["incident"]["id"]


async def test_a_problem_points_into_the_batch(house: House) -> None:
    results = await results_of(house, BODY, {**BODY, "category": "no", "descripton": 1}, "text")
    pointers = [[each["pointer"] for each in result.get("problem", {}).get("errors", ())] for result in results]
    assert pointers == [[], ["/items/1/descripton"], ["/items/2"]]
    assert {result["problem"]["instance"] for result in results[1:]} == {"/v1/incidents/batch"}


async def test_an_incident_comes_without_its_calls(house: House) -> None:
    (result,) = await results_of(house, BODY)
    single = await house.get("worker", f"/v1/incidents/{result['incident']['id']}")
    assert set(single) - set(result["incident"]) == {"calls", "contact", "requests"}
    assert result["incident"].items() <= single.items()


@dataclass(frozen=True)
class Item:
    """One item of a random batch. `wrong`: the registry does not know its category."""

    key: str | None
    source: str | None
    text: str
    wrong: bool

    def body(self, turn: int) -> dict[str, Any]:
        key = {"idempotency_key": f"{self.key}-{turn}"} if self.key else {}
        source = {"source": {"system": "grid-app", "ref": f"{self.source}-{turn}"}} if self.source else {}
        return {**BODY, "description": self.text, "category": "no" if self.wrong else CATEGORY, **key, **source}


def _random_item(random: Random) -> Item:
    return Item(
        random.choice([None, "k1", "k2"]),
        random.choice([None, "s1", "s2"]),
        random.choice("甲乙"),
        random.random() < 0.2,
    )


def _one_after_the_other(items: list[Item]) -> list[tuple[int, bool, int | None]]:
    """What single POSTs in this order would give: the status, whether it is a replay, and which item's incident."""
    keys: dict[str, int] = {}
    sources: dict[str, int] = {}
    expected: list[tuple[int, bool, int | None]] = []
    for n, item in enumerate(items):
        if item.key in keys:
            first = keys[item.key]
            same = replace(items[first], key=None) == replace(item, key=None)
            expected.append((201, True, first) if same else (422, False, None))
        elif item.source in sources:
            expected.append((200, False, sources[item.source]))
        elif item.wrong:
            expected.append((422, False, None))
        else:
            keys |= {item.key: n} if item.key else {}
            sources |= {item.source: n} if item.source else {}
            expected.append((201, False, n))
    return expected


@pytest.mark.parametrize("max_group", [intake.MAX_GROUP, 3, 1])
async def test_a_batch_is_its_items_one_after_the_other(
    house: House, monkeypatch: pytest.MonkeyPatch, max_group: int
) -> None:
    """Whatever keys and sources the items share, and however many groups they are saved in."""
    monkeypatch.setattr(intake, "MAX_GROUP", max_group)
    random = Random(max_group)
    for turn in range(12):
        items = [_random_item(random) for _ in range(random.randint(2, 14))]
        results = await results_of(house, *(item.body(turn) for item in items))
        expected = _one_after_the_other(items)
        assert [(each["status"], each["replayed"]) for each in results] == [each[:2] for each in expected]
        for result, (*_, first) in zip(results, expected, strict=True):
            if first is not None:
                assert result["incident"]["id"] == results[first]["incident"]["id"]


async def test_of_two_bodies_under_one_key_the_first_wins(house: House) -> None:
    """Also when hundreds of items lie between the two."""
    first, second = {**BODY, "idempotency_key": "k"}, {**BODY, "idempotency_key": "k", "description": "另一件"}
    others = [{**BODY, "description": f"第 {n} 处"} for n in range(300)]
    for turn in range(3):
        keyed = [{**each, "idempotency_key": f"k-{turn}"} for each in (first, second)]
        results = await results_of(house, keyed[0], *others, keyed[1])
        assert results[0]["incident"]["description"] == BODY["description"]
        assert results[-1]["problem"]["code"] == "idempotency_mismatch"


async def test_a_batch_knows_the_key_of_a_single_post(house: House) -> None:
    made = await house.report(key="k", description=BODY["description"])
    same, other = await results_of(
        house, {**BODY, "idempotency_key": "k"}, {**BODY, "idempotency_key": "k", "description": "另一件"}
    )
    assert (same["status"], same["replayed"], same["incident"]["id"]) == (201, True, made["id"])
    assert (other["status"], other["replayed"], other["problem"]["code"]) == (422, False, "idempotency_mismatch")


async def test_neither_a_replay_nor_a_refusal_takes_a_number(house: House) -> None:
    """A phone sends its sixty reports again and again, and some of them are wrong."""
    items: list[dict[str, Any]] = [{**BODY, "idempotency_key": f"k-{n}"} for n in range(60)]
    sourced = {**BODY, "source": {"system": "grid-app", "ref": "A-1"}}
    wrong = [{**BODY, "category": "no"}, {**BODY, "grid_code": CELL[:-3] + "999"}, {**BODY, "description": ""}]
    mismatch = {**items[0], "description": "另一件"}
    first = await results_of(house, *items, sourced)
    for _ in range(3):
        again = await results_of(house, *wrong, *items, mismatch, sourced, *wrong)
        assert [each["replayed"] for each in again] == [False] * 3 + [True] * 60 + [False] * 5
    latest = await house.report()
    numbers = [each["incident"]["number"] for each in first] + [latest["number"]]
    assert numbers == [f"2026-{n:06d}" for n in range(1, 63)]


@pytest.mark.parametrize(("count", "status"), [(0, 422), (1, 200), (500, 200), (501, 422)])
async def test_a_batch_has_up_to_500_items(house: House, count: int, status: int) -> None:
    answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": [BODY] * count})
    assert answer.status_code == status
    if status == 422:
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/items"]
    else:
        assert {each["status"] for each in answer.json()["results"]} == {201}


async def test_an_oversize_text_affects_its_item_alone(house: House) -> None:
    """No item needs a key."""
    results = await results_of(house, BODY, {**BODY, "description": "长" * 4001}, {**BODY, "description": "长" * 4000})
    assert [each["status"] for each in results] == [201, 422, 201]
    assert results[1]["problem"]["errors"][0]["pointer"] == "/items/1/description"


async def test_a_key_of_the_whole_batch_stands_for_its_items(house: House) -> None:
    """Each item has its place in the list; one with a key of its own keeps that."""
    items = [BODY, {**BODY, "category": "no"}, {**BODY, "idempotency_key": "own"}, BODY]
    changed = [*items[:3], {**BODY, "description": "另一件"}]
    first, again, other, bare = [
        (await house.send("worker", "POST", "/v1/incidents/batch", {"items": sent}, headers=headers)).json()["results"]
        for sent, headers in (
            (items, {"Idempotency-Key": "k"}),
            (items, {"Idempotency-Key": "k"}),
            (changed, {"Idempotency-Key": "k"}),
            (items, None),
        )
    ]
    assert [each["replayed"] for each in first] == [False] * 4
    assert [each["replayed"] for each in again] == [True, False, True, True]
    assert [each.get("incident") and each["incident"]["id"] for each in again] == [
        each.get("incident") and each["incident"]["id"] for each in first
    ]
    assert [each["status"] for each in other] == [201, 422, 201, 422]
    assert [each["pointer"] for each in other[3]["problem"]["errors"]] == ["/items/3"]
    assert [each["replayed"] for each in bare] == [False, False, True, False]


async def test_new_items_are_answered_although_replays_cannot_be_read(house: House) -> None:
    """The database goes away between the commit and the look at the earlier incidents."""
    await house.report(key="k", **BODY)
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    actor = Actor(Role.REPORTER, "worker", area=STREET)
    items = [(BatchItem.model_validate(BODY), key) for key in ("k", "new")]
    try:
        known, new = await reporting.report_batch(replace(house.process.context, database=nowhere), items, actor)
    finally:
        await nowhere.close()
    assert isinstance(known, Unavailable)
    assert isinstance(new, Reported) and not new.replayed
