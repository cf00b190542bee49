"""Every example that the document shows of incidents, queues, events and figures is like a real answer."""

from __future__ import annotations

from typing import Any

import pytest

from service.appraisal.shapes import ClosedMonthView, CountedCall, FiguresView
from service.appraisal.watch_shapes import WatchView
from service.feed.event_types import CloudEventPage
from service.incidents.similar import Candidate
from service.queues.routes import QueueRow
from service.shown.deadline import DeadlineView
from service.shown.event import TimelineEvent
from service.shown.incident import IncidentWithCalls
from service.shown.plan import PlanView
from service.shown.row import IncidentRow
from service.web.paging import ItemPage
from tests.house import CATEGORY, CELL, COMMUNITY, House
from tests.shapes import check, differences

pytestmark = pytest.mark.anyio

ROOMS = ("/v1/incidents", "/v1/queues", "/v1/events", "/v1/appraisal")
ONE = "/v1/incidents/{incident_id}"
SHAPES: dict[str, Any] = {
    "POST /v1/incidents": IncidentWithCalls,
    "GET /v1/incidents": ItemPage[IncidentRow],
    f"GET {ONE}": IncidentWithCalls,
    f"GET {ONE}/timeline": ItemPage[TimelineEvent],
    f"GET {ONE}/similar": ItemPage[Candidate],
    f"GET {ONE}/deadline": DeadlineView,
    f"GET {ONE}/plan": PlanView,
    "GET /v1/queues/{unit}": ItemPage[QueueRow],
    "GET /v1/events": CloudEventPage,
    "GET /v1/appraisal": FiguresView,
    "GET /v1/appraisal/calls": ItemPage[CountedCall],
    "GET /v1/appraisal/watch": WatchView,
    "GET /v1/appraisal/watch/calls": ItemPage[CountedCall],
    "POST /v1/appraisal/{period}/close": ClosedMonthView,
}
POINT = {"lat": 23.0862, "lon": 113.2734, "coord_type": "gcj02", "accuracy_m": 12.5}
REPORT = {
    "grid_code": CELL,
    "category": CATEGORY,
    "description": "巷口垃圾堆积",
    "location": POINT,
    "source": {"system": "grid-app", "ref": "A-1"},
    "occurred_at": "2026-11-23T08:55:00+08:00",
}


def _examples(house: House) -> dict[str, list[Any]]:
    """Operation → the examples of its successes."""
    found: dict[str, list[Any]] = {}
    for path, item in house.app.openapi()["paths"].items():
        for method, operation in item.items():
            if path.startswith(ROOMS) and method in ("get", "post"):
                entries = [entry for status, entry in operation["responses"].items() if status.startswith("2")]
                shown = [entry["content"]["application/json"]["example"] for entry in entries]
                found[f"{method.upper()} {path}"] = shown
    return found


async def _answers(house: House) -> dict[str, Any]:
    """Operation → what it answers in a small story: an extension, an answer, a similar report, a missed call."""
    posted = await house.send("worker", "POST", "/v1/incidents", REPORT)
    incident = posted.json()
    path = f"/v1/incidents/{incident['id']}"
    body = {"items": [{**REPORT, "source": None}, {**REPORT, "source": None, "grid_code": f"{CELL[:12]}999"}]}
    answers = {
        "POST /v1/incidents": incident,
        "POST /v1/incidents/batch": (await house.send("worker", "POST", "/v1/incidents/batch", body)).json(),
    }
    await house.act("community", incident, "extend", until="2026-11-23T17:00:00+08:00", reason="清运车在检修")
    await house.act("street", incident, "requests/1/approve", reason="同意")
    answers[f"GET {ONE}/deadline"] = await house.get("worker", f"{path}/deadline")
    answers[f"POST {ONE}"] = await house.act("community", incident, "answer", measure="清运", contact="020-0000 0000")
    answers["GET /v1/queues/{unit}"] = await house.get("community", f"/v1/queues/{COMMUNITY}")
    await house.advance(seconds=4 * 86_400)
    await house.sealed()
    for name in ("", "/timeline", "/similar", "/plan"):
        answers[f"GET {ONE}{name}"] = await house.get("street", path + name)
    answers["GET /v1/incidents"] = await house.get("worker", "/v1/incidents")
    answers["GET /v1/events"] = await house.get("auditor", "/v1/events", limit=200)
    await house.advance(to="2026-12-01T00:00:00+08:00")
    close = await house.send("ops", "POST", "/v1/appraisal/2026-11/close")
    answers["POST /v1/appraisal/{period}/close"] = close.json()
    await house.advance(seconds=10 * 86_400)  # what is missed meanwhile is a correction
    answers["GET /v1/appraisal"] = await house.get("auditor", "/v1/appraisal", period="2026-11")
    answers["GET /v1/appraisal/calls"] = await house.get("auditor", "/v1/appraisal/calls", period="2026-11")
    answers["GET /v1/appraisal/watch"] = await house.get("auditor", "/v1/appraisal/watch", period="2026-11")
    query = {"period": "2026-11", "sign": "extended"}
    answers["GET /v1/appraisal/watch/calls"] = await house.get("auditor", "/v1/appraisal/watch/calls", **query)
    flood = {"reporter": "nobody", "from": "2026-11-23T08:00:00Z", "to": "2026-11-23T09:00:00Z", "reason": "刷报"}
    answers["POST /v1/incidents/flood"] = (await house.send("ops", "POST", "/v1/incidents/flood", flood)).json()
    return answers


def _answer_to(answers: dict[str, Any], operation: str) -> Any:
    """The real answer of an operation; all verbs have that of one."""
    return answers.get(operation) or answers[f"POST {ONE}"]


async def test_every_example_is_like_a_real_answer(shipped: House) -> None:
    answers, examples = await _answers(shipped), _examples(shipped)
    assert set(answers) - set(examples) == {f"POST {ONE}"}
    wrong = {
        operation: lines
        for operation, shown in examples.items()
        for example in shown
        if (lines := differences(example, _answer_to(answers, operation)))
    }
    assert wrong == {}


async def test_answers_and_examples_have_exactly_their_typed_shape(shipped: House) -> None:
    answers, examples = await _answers(shipped), _examples(shipped)
    for operation, shape in SHAPES.items():
        for view in (answers[operation], *examples[operation]):
            check(shape, view)
    verbs = [operation for operation in examples if operation.startswith(f"POST {ONE}/")]
    assert len(verbs) > 20
    for operation in verbs:
        check(IncidentWithCalls, examples[operation][0])


async def test_the_problem_in_a_batch_is_what_the_service_says(shipped: House) -> None:
    [example] = _examples(shipped)["POST /v1/incidents/batch"]
    item = {"grid_code": f"{COMMUNITY}999", "category": CATEGORY, "description": "x"}
    answer = await shipped.send("worker", "POST", "/v1/incidents/batch", {"items": [item]})
    shown, real = example["results"][1]["problem"], answer.json()["results"][0]["problem"]
    assert {**shown, "detail": "", "errors": []} == {**real, "detail": "", "errors": []}
    assert shown["type"] == "/docs/problems#unknown_cell"
