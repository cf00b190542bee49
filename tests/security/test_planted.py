"""Of ten thousand numbers, names and addresses of persons none is in any answer outside full sight and reveal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import house as houses
from tests.house import CATEGORY, CELL, House
from tests.security.matrix.people import FIRM, PEOPLE, POLICE
from tests.security.planted import Persons

pytestmark = pytest.mark.anyio

REPORTS, IN_A_BATCH, ACTED_ON = 2600, 200, 13
MASKED = ("colleague", "auditor", "firm", "police")
"""These see what is planted here, and nothing of it in full: the last two some of it."""
UNSEEN = ("stranger", "other_street", "other_firm", "leader", "security")
FILES = ("text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
FIGURES = {"period": "2026-11", "group_by": "unit", "measure": "calls"}


@pytest.fixture(autouse=True)
def people(monkeypatch: pytest.MonkeyPatch) -> None:
    for who, key in PEOPLE.items():
        monkeypatch.setitem(houses.PEOPLE, who, key)


async def _planted(house: House, persons: Persons) -> list[str]:
    """Reports that hold persons' data, by batches, and acts on some of them that hold more."""
    ids: list[str] = []
    for _ in range(0, REPORTS, IN_A_BATCH):
        items = [_item(persons) for _ in range(IN_A_BATCH)]
        answer = await house.send("worker", "POST", "/v1/incidents/batch", {"items": items})
        results = answer.json()["results"]
        assert {each["status"] for each in results} == {201}, results[0]
        ids += [each["incident"]["id"] for each in results]
    for incident in ids[:: len(ids) // ACTED_ON]:
        await _acted_on(house, {"id": incident}, persons)
    await house.sealed()
    return ids


def _item(persons: Persons) -> dict[str, Any]:
    description = f"路灯不亮,联系{persons.number()}。"
    return {"grid_code": CELL, "category": CATEGORY, "description": description, "contact": persons.contact()}


async def _acted_on(house: House, incident: Any, persons: Persons) -> None:
    await house.act("worker", incident, "comment", text=f"请回电{persons.number()}")
    await house.act("community", incident, "assist", units=[FIRM], reason=f"找{persons.number()}")
    await house.act("firm", incident, "part-done", comment=f"已清,{persons.number()}")
    await house.act("community", incident, "answer", measure=f"去看{persons.number()}", contact=persons.number())
    await house.act("community", incident, "raise", ground="other", reason=f"问{persons.number()}")
    await house.act("street", incident, "raise", ground="other", reason=f"再问{persons.number()}")
    await house.act("department", incident, "assist", units=[POLICE], reason=f"找{persons.number()}")
    await house.act("street", incident, "urge", message=f"快,{persons.number()}")


def _requests(ids: list[str]) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Every way to read, as path, query and media type; those that were acted on singly, and a few more."""
    for kind in FILES:
        yield "/v1/appraisal/calls", FIGURES, kind
    yield "/v1/appraisal/watch/calls", {"period": "2026-11", "sign": "raised", "unit": "440105003001"}, "*/*"
    for incident in ids[:: len(ids) // (2 * ACTED_ON)]:
        for part in ("", "/timeline", "/plan", "/deadline", "/similar"):
            yield f"/v1/incidents/{incident}{part}", {}, "*/*"


LISTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("/v1/incidents", {"limit": 500}),
    ("/v1/events", {"limit": 500}),
    ("/v1/appraisal/calls", {**FIGURES, "limit": 500}),
    *((f"/v1/queues/{unit}", {"limit": 500}) for unit in ("440105003001", "dept-urban-management", POLICE, FIRM)),
)


async def _pages(house: House, who: str, path: str, query: dict[str, Any]) -> list[httpx.Response]:
    """A list from its first page to its last; of the feed, whose last page is empty, too."""
    found, after = [], "after" if path == "/v1/events" else "cursor"
    while True:
        found.append(await house.send(who, "GET", path, **query))
        page = found[-1].json()
        if not found[-1].is_success or not page["items"] or page["next_cursor"] is None:
            return found
        query = {**query, after: page["next_cursor"]}


@pytest.mark.clause("API3:2023", "ASVS 8.2.3", "PIPL 51")
async def test_none_of_ten_thousand_is_in_an_answer(house: House) -> None:
    persons = Persons(seed=4)
    ids = await _planted(house, persons)
    assert persons.count >= 10_000
    leaks = []
    for who in (*MASKED, *UNSEEN):
        answers = [answer for path, query in LISTS for answer in await _pages(house, who, path, query)]
        for path, query, kind in _requests(ids):
            answers.append(await house.send(who, "GET", path, headers={"Accept": kind}, **query))
        leaks += [(who, str(each.url), sorted(found)[:3]) for each in answers if (found := persons.found_in(each))]
        assert (who in UNSEEN) == all(ids[0] not in each.text for each in answers if each.is_success), who
    assert leaks == []


async def test_the_search_finds_what_is_shown(house: House) -> None:
    """Full sight shows numbers, but of a contact nothing; a reveal shows that as well."""
    persons = Persons(seed=5)
    texts = [persons.number() for _ in range(40)]
    incident = await house.report(description="、".join(texts), contact=persons.contact())
    path = f"/v1/incidents/{incident['id']}"
    full = persons.found_in(await house.send("street", "GET", path))
    assert len(full) == 40
    revealed = persons.found_in(await house.send("street", "POST", f"{path}/reveal", {"reason": "回访"}))
    assert len(revealed - full) == 3
    assert persons.found_in(await house.send("auditor", "GET", path)) == set()
