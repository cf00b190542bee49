"""What the chain does among itself: one route an arrow, each with its own body, each carrying out its own arrow."""

from __future__ import annotations

from typing import Any

import pytest

from service.incidents import chain_routes
from service.rules.arrows.joint import MAX_ASSISTING
from service.rules.words import Arrow
from tests.house import House
from tests.incidents import verbs
from tests.incidents.verbs import REASON, Verb

pytestmark = pytest.mark.anyio

_NO_CODES = ("", "-x", "a b", "x" * 65, "单位", 7)
_NO_CALLS = tuple(("call", value, "call") for value in (0, -1, 32_768, "1", 1.5))
_NO_SCORES = tuple(("score", value, "score") for value in (0, 6, "4", 4.5, True, None))
VERBS = (
    Verb(
        Arrow.RETURN,
        "return",
        "department",
        "call.returned call.opened",
        "reason",
        verbs.AT_DEPARTMENT,
        {"level": 2, "calls.2.end_code": "not_our_duty", "calls.2.end_duty": "EX-003"},
        {"reason": REASON},
        "reason_code reason",
        (("reason_code", "busy", "reason_code"), *(("duty", code, "duty") for code in _NO_CODES)),
    ),
    Verb(
        Arrow.ASSIGN,
        "assign",
        "street",
        "call.assigned call.opened",
        "reason",
        verbs.AT_STREET,
        {"unit.code": "440105003-team-1", "calls.-1.cause": "assigned"},
        {"reason": REASON},
        "unit reason",
        tuple(("unit", code, "unit") for code in _NO_CODES),
    ),
    Verb(
        Arrow.ASSIST,
        "assist",
        "department",
        "call.assisted",
        "reason",
        verbs.AT_DEPARTMENT,
        {"calls.-1.assisting.0.unit": "dept-police", "calls.-1.assisting.1.unit": "dept-fire"},
        {"reason": REASON},
        "units reason",
        (
            ("units", [], "units"),
            ("units", ["dept-fire"] * (MAX_ASSISTING + 1), "units"),
            ("units", ["dept-fire", "no code"], "units/1"),
            ("units", "dept-fire", "units"),
        ),
    ),
    Verb(
        Arrow.PART_DONE,
        "part-done",
        "dept-police",
        "call.part_done",
        "comment",
        verbs.ASSISTED,
        {"calls.-1.parts_done.0.unit": "dept-police"},
        {"comment": REASON},
    ),
    Verb(
        Arrow.DECLINE,
        "decline",
        "dept-police",
        "call.declined",
        "reason",
        verbs.ASSISTED,
        {"calls.-1.assisting.0.declined": True},
        {"reason": REASON},
        "reason",
    ),
    Verb(
        Arrow.VOID,
        "void",
        "community",
        "incident.closed",
        "reason",
        (),
        {"closed_as": "void", "calls.-1.end_code": "not_an_incident"},
        {"reason": REASON},
        "reason_code reason",
        (("reason_code", "other_unit", "reason_code"),),
    ),
    Verb(
        Arrow.MERGE,
        "merge",
        "street",
        "incident.closed",
        "reason",
        (),
        {"closed_as": "merged"},
        {"reason": REASON},
        "into reason",
        tuple(("into", value, "into") for value in ("17", "", None, 17)),
    ),
    Verb(
        Arrow.RATE,
        "rate",
        "worker",
        "incident.rated",
        "comment",
        verbs.RESOLVED,
        {"rating": 4},
        {"comment": REASON},
        "score",
        (*_NO_SCORES, *_NO_CALLS),
    ),
    Verb(
        Arrow.APPEAL,
        "appeal",
        "community",
        "call.appealed",
        "reason",
        verbs.MISSED,
        {"calls.0.appeal.outcome": None},
        {"reason": REASON},
        "call reason",
        (*_NO_CALLS, ("call", None, "call")),
    ),
    Verb(
        Arrow.APPROVE_APPEAL,
        "appeals/1/approve",
        "ops",
        "call.exempted",
        "reason",
        verbs.APPEALED,
        {"calls.0.appeal.outcome": "approved", "calls.0.exempt": True},
        {"reason": REASON},
    ),
    Verb(
        Arrow.REFUSE_APPEAL,
        "appeals/1/refuse",
        "ops",
        "call.appeal_refused",
        "reason",
        verbs.APPEALED,
        {"calls.0.appeal.outcome": "refused", "calls.0.exempt": False},
        {"reason": REASON},
    ),
)
by_arrow = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.arrow.value)


async def _example(house: House, verb: Verb) -> dict[str, Any]:
    """The example of a verb's body. The one incident it names is one that is there."""
    shown = verbs.example_of(verbs.body_of(chain_routes.router, verb))
    return {**shown, "into": (await house.report())["id"]} if "into" in shown else shown


def test_every_verb_stands_in_its_own_file() -> None:
    found = verbs.routes(chain_routes.router)
    assert set(found) == {verb.template for verb in VERBS}
    assert all(route.methods == {"POST"} for route in found.values())


@by_arrow
async def test_the_published_example_carries_out_its_own_arrow(house: House, verb: Verb) -> None:
    await verbs.demand_own_arrow(house, verb, await _example(house, verb))


@by_arrow
async def test_a_wrong_body_is_pointed_at_and_changes_nothing(house: House, verb: Verb) -> None:
    await verbs.demand_pointers(house, verb, await _example(house, verb))


@by_arrow
def test_a_body_may_be_as_long_as_it_says(verb: Verb) -> None:
    model = verbs.body_of(chain_routes.router, verb)
    longest = verb.longest(verbs.example_of(model))
    taken = model.model_validate(longest)
    assert {name: getattr(taken, name) for name in verb.texts} == {name: longest[name] for name in verb.texts}


@pytest.mark.parametrize("number", ["0", "-1", "32768", "99999999999", "1.5", "one", "%20"])
@pytest.mark.parametrize("verdict", ["approve", "refuse"])
async def test_an_appeal_without_a_possible_number_is_not_found(house: House, number: str, verdict: str) -> None:
    incident = await verbs.brought_about(house, verbs.APPEALED)
    problem = await house.refused("ops", incident, f"appeals/{number}/{verdict}")
    assert (problem["status"], problem["code"]) == (404, "not_found")
    assert (await house.get("ops", f"/v1/incidents/{incident['id']}"))["calls"][0]["appeal"]["outcome"] is None


@pytest.mark.parametrize(
    ("steps", "who", "path"),
    [
        (verbs.ASSISTED, "dept-police", "part-done"),
        (verbs.APPEALED, "ops", "appeals/1/approve"),
        (verbs.APPEALED, "ops", "appeals/1/refuse"),
    ],
)
async def test_a_remark_may_be_left_out_with_its_body(
    house: House, steps: tuple[verbs.Step, ...], who: str, path: str
) -> None:
    incident = await verbs.brought_about(house, steps)
    answer = await house.send(who, "POST", f"/v1/incidents/{incident['id']}/{path}")
    assert answer.status_code == 200, answer.text


def test_as_many_units_assist_as_the_rules_allow() -> None:
    units = [f"dept-{n}" for n in range(MAX_ASSISTING)]
    assert chain_routes.AssistBody.model_validate({"units": units, "reason": "联合"}).units == tuple(units)
