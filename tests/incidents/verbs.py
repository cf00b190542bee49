"""The verbs of an incident as the contract has them: by whom, from where, with what body, and what each leads to.

The bodies are the examples that the OpenAPI document shows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import BaseModel

from service.rules.words import Arrow
from tests.house import House

PREFIX = "/v1/incidents/{incident_id}/"
REASON = 2000
"""The longest reason, or other long text, in characters."""
HOUR = 3600

Step = tuple[str, str, dict[str, Any]]
_RAISE = {"ground": "other", "reason": "上呼"}
_UNTIL = {"until": "2026-11-24T10:00:00+08:00", "reason": "等料"}

AT_STREET: tuple[Step, ...] = (("community", "raise", _RAISE),)
AT_DEPARTMENT: tuple[Step, ...] = (*AT_STREET, ("street", "raise", _RAISE))
ASSISTED: tuple[Step, ...] = (*AT_DEPARTMENT, ("department", "assist", {"units": ["dept-police"], "reason": "联合"}))
WAITING: tuple[Step, ...] = (("community", "hold", _UNTIL),)
ON_HOLD: tuple[Step, ...] = (*WAITING, ("street", "requests/1/approve", {}))
RESOLVED: tuple[Step, ...] = (("community", "resolve", {"result": "好了"}),)
CLOSED: tuple[Step, ...] = (*RESOLVED, ("worker", "accept", {}))
MISSED: tuple[Step, ...] = (("clock", "", {"seconds": 4 * HOUR}),)
APPEALED: tuple[Step, ...] = (*MISSED, ("community", "appeal", {"call": 1, "reason": "断网"}))


@dataclass(frozen=True)
class Verb:
    """One arrow of a person over HTTP.

    `events` are the types it writes, without `sihu.`; `facts` what the incident then says; `words` the field whose text
    the log keeps. `texts` are the fields of text with their longest; `wrong` further wrong values with their pointers.
    `instead` replaces what the example names, but the sample registry lacks or its policy forbids.
    """

    arrow: Arrow
    path: str
    who: str
    events: str
    words: str
    before: tuple[Step, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, int] = field(default_factory=dict)
    required: str = ""
    wrong: tuple[tuple[str, Any, str], ...] = ()
    instead: dict[str, Any] = field(default_factory=dict)

    @property
    def template(self) -> str:
        """The path with its number as a parameter, as the router has it."""
        return self.path.replace("requests/1", "requests/{n}").replace("appeals/1", "appeals/{seq}")

    def faults(self, example: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
        """Bodies that are wrong in one place each, with the pointer to it."""
        without = [({key: example[key] for key in example if key != name}, name) for name in self.required.split()]
        blank = [({**example, name: " \n"}, name) for name in self.texts]
        long = [({**example, name: "长" * (longest + 1)}, name) for name, longest in self.texts.items()]
        wrong = [({**example, name: value}, pointer) for name, value, pointer in self.wrong]
        bodies = [*without, *blank, *long, *wrong, ({**example, "nonsense": 1}, "nonsense")]
        return [(body, f"/{pointer}") for body, pointer in bodies]

    def longest(self, example: dict[str, Any]) -> dict[str, Any]:
        """The example with every text as long as it may be."""
        return {**example, **{name: "长" * longest for name, longest in self.texts.items()}}


def routes(router: APIRouter) -> dict[str, APIRoute]:
    """The routes of a router by their path below the incident."""
    found = [route for route in router.routes if isinstance(route, APIRoute)]
    assert len(found) == len(router.routes)
    return {route.path.removeprefix(PREFIX): route for route in found}


def body_of(router: APIRouter, verb: Verb) -> type[BaseModel]:
    """The model of a verb's body."""
    (parameter,) = routes(router)[verb.template].dependant.body_params
    model = parameter.field_info.annotation
    assert isinstance(model, type) and issubclass(model, BaseModel)
    return model


def example_of(model: type[BaseModel]) -> dict[str, Any]:
    """The one example that a body shows of itself."""
    extra = model.model_config["json_schema_extra"]
    assert isinstance(extra, dict)
    examples = extra["examples"]
    assert isinstance(examples, list)
    (shown,) = examples
    assert isinstance(shown, dict)
    return shown


async def brought_about(house: House, steps: tuple[Step, ...]) -> Any:
    """An incident to which all this has happened, as the ops see it."""
    incident = await house.report()
    for who, verb, body in steps:
        await (house.advance(**body) if who == "clock" else house.act(who, incident, verb, **body))
    return await house.get("ops", f"/v1/incidents/{incident['id']}")


async def demand_own_arrow(house: House, verb: Verb, body: dict[str, Any]) -> None:
    """Carry a verb out with this body: its own events follow in the log, with the words of the body."""
    incident = await brought_about(house, verb.before)
    timeline = f"/v1/incidents/{incident['id']}/timeline"
    before = len((await house.get("ops", timeline))["items"])
    after = await house.act(verb.who, incident, verb.path, **{**body, **verb.instead})
    written = (await house.get("ops", timeline))["items"][before:]
    assert [each["type"].removeprefix("sihu.") for each in written] == verb.events.split()
    assert body[verb.words] in [each["data"].get("note") for each in written]
    assert {name: _found(after, name) for name in verb.facts} == verb.facts


def _found(view: Any, path: str) -> Any:
    """The value at a path such as `requests.-1.kind`."""
    for part in path.split("."):
        view = view[int(part)] if isinstance(view, list) else view[part]
    return view


async def demand_pointers(house: House, verb: Verb, example: dict[str, Any]) -> None:
    """Send every wrong body of a verb: each is 422 with its pointer, and the incident stays as it is."""
    incident = await house.report()
    path = f"/v1/incidents/{incident['id']}/{verb.path}"
    for body, pointer in verb.faults(example):
        answer = await house.send(verb.who, "POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed"), (body, answer.text)
        assert [each["pointer"] for each in answer.json()["errors"]] == [pointer], body
    assert await house.get("worker", f"/v1/incidents/{incident['id']}") == incident
