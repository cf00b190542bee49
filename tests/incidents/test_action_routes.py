"""What people do to an incident: one route an arrow, each with its own body, each carrying out its own arrow."""

from __future__ import annotations

import pytest

from service.incidents import action_routes, chain_routes, correction_routes
from service.rules import lifecycle
from service.rules.words import Arrow
from tests.house import House
from tests.incidents import test_chain_routes, test_correction_routes, verbs
from tests.incidents.verbs import REASON, Verb

pytestmark = pytest.mark.anyio

_UNTIL = tuple(
    ("until", value, "until") for value in ("2026-12-31T18:00:00", "2026-12-31", "soon", 1, "2200-01-01T00:00:00Z")
)
_PICTURES = tuple(("attachments", value, "attachments") for value in (["a.jpg"], ["a.jpg"] * 21, [" "], [7], "a.jpg"))
VERBS = (
    Verb(
        Arrow.ANSWER,
        "answer",
        "community",
        "call.answered",
        "measure",
        facts={"state": "answered", "calls.-1.answer.contact": "值班电话 020-0000 0000"},
        texts={"measure": REASON, "contact": 200},
        required="measure",
        wrong=(("promised_by", "2026-11-23T18:00:00", "promised_by"),),
    ),
    Verb(
        Arrow.RESOLVE,
        "resolve",
        "community",
        "call.answered incident.resolved",
        "result",
        facts={"state": "resolved"},
        texts={"result": REASON},
        required="result",
        wrong=_PICTURES,
    ),
    Verb(
        Arrow.RAISE,
        "raise",
        "community",
        "call.raised call.opened",
        "reason",
        facts={"level": 2, "calls.-1.ground": "beyond_powers"},
        texts={"reason": REASON},
        required="ground reason",
        wrong=(
            ("ground", "tired", "ground"),
            ("ground", None, "ground"),
            ("units", ["dept-fire"], "units"),
            ("units", ["no code"], "units/0"),
        ),
    ),
    Verb(
        Arrow.HOLD,
        "hold",
        "community",
        "call.requested",
        "reason",
        facts={"requests.-1.kind": "hold", "requests.-1.until": "2026-12-31T10:00:00Z"},
        texts={"reason": REASON},
        required="until reason",
        wrong=_UNTIL,
    ),
    Verb(
        Arrow.EXTEND,
        "extend",
        "community",
        "call.requested",
        "reason",
        facts={"requests.-1.kind": "extend", "requests.-1.until": "2026-11-23T09:00:00Z"},
        texts={"reason": REASON},
        required="until reason",
        wrong=_UNTIL,
        instead={"until": "2026-11-23T17:00:00+08:00"},
    ),
    Verb(
        Arrow.APPROVE,
        "requests/1/approve",
        "street",
        "incident.held",
        "reason",
        verbs.WAITING,
        {"state": "on_hold", "requests.-1.outcome": "approved"},
        {"reason": REASON},
    ),
    Verb(
        Arrow.REFUSE,
        "requests/1/refuse",
        "street",
        "call.refused",
        "reason",
        verbs.WAITING,
        {"state": "calling", "requests.-1.outcome": "refused"},
        {"reason": REASON},
    ),
    Verb(
        Arrow.RESUME,
        "resume",
        "community",
        "incident.resumed",
        "comment",
        verbs.ON_HOLD,
        {"state": "calling"},
        {"comment": REASON},
    ),
    Verb(
        Arrow.ACCEPT,
        "accept",
        "worker",
        "incident.closed",
        "comment",
        verbs.RESOLVED,
        {"closed_as": "verified"},
        {"comment": REASON},
    ),
    Verb(
        Arrow.REJECT,
        "reject",
        "worker",
        "incident.rejected call.opened",
        "reason",
        verbs.RESOLVED,
        {"state": "calling", "calls.-1.cause": "rejected"},
        {"reason": REASON},
        "reason",
    ),
    Verb(
        Arrow.REOPEN,
        "reopen",
        "worker",
        "incident.reopened call.opened",
        "reason",
        verbs.CLOSED,
        {"state": "calling", "calls.-1.cause": "reopened"},
        {"reason": REASON},
        "reason",
    ),
    Verb(
        Arrow.WITHDRAW,
        "withdraw",
        "worker",
        "incident.closed",
        "reason",
        facts={"closed_as": "withdrawn"},
        texts={"reason": REASON},
        required="reason",
    ),
    Verb(
        Arrow.COMMENT,
        "comment",
        "worker",
        "incident.commented",
        "text",
        facts={"version": 1},
        texts={"text": REASON},
        required="text",
    ),
    Verb(
        Arrow.URGE,
        "urge",
        "worker",
        "incident.urged",
        "message",
        facts={"version": 1},
        texts={"message": REASON},
        required="message",
    ),
)
by_arrow = pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.arrow.value)


def test_every_arrow_of_a_person_has_one_route() -> None:
    """The clock's own arrows have none."""
    both = (*VERBS, *test_chain_routes.VERBS, *test_correction_routes.VERBS)
    assert sorted(verb.arrow for verb in both) == sorted(
        arrow for arrow, transition in lifecycle.TRANSITIONS.items() if transition.by and arrow is not Arrow.FLOOD
    )
    routers = (action_routes.router, chain_routes.router, correction_routes.router)
    paths = [path for router in routers for path in verbs.routes(router) if path != "/v1/incidents/flood"]
    assert sorted(paths) == sorted(verb.template for verb in both)


def test_every_verb_stands_in_its_own_file() -> None:
    found = verbs.routes(action_routes.router)
    assert set(found) == {verb.template for verb in VERBS}
    assert all(route.methods == {"POST"} for route in found.values())


@by_arrow
async def test_the_published_example_carries_out_its_own_arrow(house: House, verb: Verb) -> None:
    await verbs.demand_own_arrow(house, verb, verbs.example_of(verbs.body_of(action_routes.router, verb)))


@by_arrow
async def test_a_wrong_body_is_pointed_at_and_changes_nothing(house: House, verb: Verb) -> None:
    await verbs.demand_pointers(house, verb, verbs.example_of(verbs.body_of(action_routes.router, verb)))


@by_arrow
def test_a_body_may_be_as_long_as_it_says(verb: Verb) -> None:
    model = verbs.body_of(action_routes.router, verb)
    longest = verb.longest(verbs.example_of(model))
    taken = model.model_validate(longest)
    assert {name: getattr(taken, name) for name in verb.texts} == {name: longest[name] for name in verb.texts}


async def test_an_empty_list_of_pictures_is_none(house: House) -> None:
    done = await house.act("community", await house.report(attachments=[]), "resolve", result="好了", attachments=[])
    assert done["calls"][-1]["attachments"] == []


@pytest.mark.parametrize("number", ["0", "-1", "32768", "99999999999", "1.5", "one", "%20"])
@pytest.mark.parametrize("verdict", ["approve", "refuse"])
async def test_a_request_without_a_possible_number_is_not_found(house: House, number: str, verdict: str) -> None:
    incident = await verbs.brought_about(house, verbs.WAITING)
    problem = await house.refused("street", incident, f"requests/{number}/{verdict}")
    assert (problem["status"], problem["code"]) == (404, "not_found")
    assert (await house.get("street", f"/v1/incidents/{incident['id']}"))["requests"][0]["outcome"] is None


@pytest.mark.parametrize(
    ("steps", "who", "path"),
    [
        (verbs.WAITING, "street", "requests/1/approve"),
        (verbs.WAITING, "street", "requests/1/refuse"),
        (verbs.ON_HOLD, "community", "resume"),
        (verbs.RESOLVED, "worker", "accept"),
    ],
)
async def test_a_remark_may_be_left_out_with_its_body(
    house: House, steps: tuple[verbs.Step, ...], who: str, path: str
) -> None:
    incident = await verbs.brought_about(house, steps)
    answer = await house.send(who, "POST", f"/v1/incidents/{incident['id']}/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["version"] == incident["version"] + 1
