"""What a body says is shown again: no field is taken and then lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from service.incidents import action_routes, chain_routes, correction_routes
from service.incidents.schemas import BatchItem, OfWorkerBody, ReportBody
from service.rules.words import Arrow
from tests.house import CATEGORY, CELL, House
from tests.incidents import test_action_routes, test_chain_routes, test_correction_routes, verbs
from tests.incidents.verbs import Verb

pytestmark = pytest.mark.anyio

CASES = [
    *((action_routes.router, verb) for verb in test_action_routes.VERBS),
    *((chain_routes.router, verb) for verb in test_chain_routes.VERBS),
    *((correction_routes.router, verb) for verb in test_correction_routes.VERBS),
]
LEFT_OUT = {
    Arrow.RESOLVE: {"attachments"},
    Arrow.RATE: {"call"},
    Arrow.RAISE: {"units"},
    Arrow.CORRECT: {"kind"},
}
"""Fields that these cases do not send: photos are refused, a reporter who rates names no call, a raise names units for
joint action alone, and a street corrects no kind."""
_OF_A_VENDOR = {"on_behalf_of"}
"""What only the keys of vendors send: that it is shown, a story tells (`scenarios/test_vendors.py`)."""


def _leaves(value: Any) -> Iterator[Any]:
    """Every value inside a JSON value; times in UTC, as far as texts are times."""
    if isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _leaves(each)
    elif isinstance(value, str) and value[:2] == "20" and "T" in value:
        yield datetime.fromisoformat(value)
    else:
        yield value


@pytest.mark.parametrize(("router", "verb"), CASES, ids=[verb.arrow.value for _, verb in CASES])
async def test_every_field_of_an_act_is_shown(house: House, router: Any, verb: Verb) -> None:
    """In the incident, or in its timeline."""
    model = verbs.body_of(router, verb)
    body = {**verbs.example_of(model), **verb.instead}
    if verb.arrow is Arrow.MERGE:
        body["into"] = (await house.report())["id"]
    left_out = LEFT_OUT.get(verb.arrow, set()) | (_OF_A_VENDOR if issubclass(model, OfWorkerBody) else set())
    assert set(body) == set(model.model_fields) - left_out, "a field is never sent"
    incident = await verbs.brought_about(house, verb.before)
    before = list(_leaves(await _everything(house, incident)))
    await house.act(verb.who, incident, verb.path, **body)
    after = list(_leaves(await _everything(house, incident)))
    for value in _leaves(body):
        assert after.count(value) > before.count(value), value


async def _everything(house: House, incident: Any) -> Any:
    path = f"/v1/incidents/{incident['id']}"
    views = [await house.get("ops", path), await house.get("ops", f"{path}/timeline")]
    into = views[0]["merged_into"]
    return views + ([await house.get("ops", f"/v1/incidents/{into}")] if into else [])


REPORT: dict[str, Any] = {
    "grid_code": CELL,
    "category": CATEGORY,
    "description": "路灯不亮",
    "kind": "suggestion",
    "urgency": "urgent",
    "occurred_at": "2026-11-23T08:55:00+08:00",
    "location": {"lat": 23.0862, "lon": 113.2734, "coord_type": "gcj02", "accuracy_m": 12.5},
    "source": {"system": "grid-app", "ref": "A-1024"},
    "on_behalf_of": "worker",
    "confidential": True,
}


@pytest.mark.parametrize("alone", [True, False], ids=["single", "batch"])
async def test_every_field_of_a_report_is_shown(house: House, alone: bool) -> None:
    """On whose behalf it was is seen in that reporter's list, and a contact when it is revealed."""
    assert set(REPORT) == set(ReportBody.model_fields) - {"attachments", "contact"}
    assert set(BatchItem.model_fields) - set(ReportBody.model_fields) == {"idempotency_key"}
    path, body = ("", REPORT) if alone else ("/batch", {"items": [REPORT]})
    answer = await house.send("ops", "POST", f"/v1/incidents{path}", body)
    made = answer.json() if alone else answer.json()["results"][0]["incident"]
    shown = await house.get("ops", f"/v1/incidents/{made['id']}")
    sent = {name: value for name, value in REPORT.items() if name != "on_behalf_of"}
    assert list(_leaves({name: shown[name] for name in sent})) == list(_leaves(sent))
    assert [each["id"] for each in (await house.get("worker", "/v1/incidents", reporter="me"))["items"]] == [made["id"]]


@pytest.mark.clause("API3:2023", "ASVS 8.2.3", "ASVS 15.3.3")
@pytest.mark.parametrize("name", ["legacy_cell", "photos", "reporter", "time_mismatch"])
async def test_a_field_that_does_not_exist_is_refused(house: House, name: str) -> None:
    body = {**REPORT, name: "x"}
    answer = await house.send("ops", "POST", "/v1/incidents", body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, f"/{name}")


@pytest.mark.parametrize("pictures", [["a.jpg"], ["sha256:00", "sha256:01"], [""], [7], [{}]])
async def test_photos_are_refused_until_they_are_kept(house: House, pictures: list[Any]) -> None:
    """In a report, in an item of a batch and with a resolution, each with the same sentence."""
    incident = await house.report()
    report = {"grid_code": CELL, "category": CATEGORY, "description": "路灯不亮", "attachments": pictures}
    single = await house.send("worker", "POST", "/v1/incidents", report)
    batch = await house.send(
        "worker", "POST", "/v1/incidents/batch", {"items": [{**report, "attachments": []}, report]}
    )
    kept, refused = batch.json()["results"]
    resolve = await house.refused("community", incident, "resolve", result="好了", attachments=pictures)
    assert kept["status"] == 201
    faults = [each["errors"] for each in (single.json(), refused["problem"], resolve)]
    assert [[fault["pointer"] for fault in each] for each in faults] == [
        ["/attachments"],
        ["/items/1/attachments"],
        ["/attachments"],
    ]
    assert {fault["detail"] for each in faults for fault in each} == {
        "Photos cannot be stored yet: leave attachments out, and say in words what they show."
    }
