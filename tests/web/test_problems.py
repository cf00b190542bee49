from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from service.rules import errors
from service.rules.errors import Pointer, Rule, SihuError
from service.rules.sentences import Sentence
from service.web import faults, problem_examples, problems
from tests.web import apps

pytestmark = pytest.mark.anyio

GOOD = {"description": "rubbish", "grid_code": "440105001001001"}


async def ask(method: str, path: str, known: bool = True, **more: Any) -> httpx.Response:
    async with apps.client(apps.make(), known) as client:
        return await client.request(method, path, **more)


def faults_of(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] == "validation_failed"
    return {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}


def of_rules() -> list[type[SihuError]]:
    return [kind for kind in problems.tree(SihuError) if kind.__module__ == errors.__name__ and kind is not SihuError]


def test_every_error_of_the_tree_has_a_family_with_a_status() -> None:
    for kind in of_rules():
        assert [family for family in problems.FAMILIES if issubclass(kind, family)], kind
        assert 400 <= problems.status_of(kind) <= 503


def test_the_statuses_are_those_drawn_in_errors_py() -> None:
    drawn = {
        line.split()[1]: int(line.split()[-1]) for line in (errors.__doc__ or "").splitlines() if line[-3:].isdigit()
    }
    assert drawn == {family.__name__: status for family, status in problems.FAMILIES.items()}


def test_every_code_is_unique_and_listed() -> None:
    assert len(set(problems.CODES)) == len(problems.CODES)
    assert {kind.code for kind in of_rules()} | {"method_not_allowed", "internal_error"} == set(problems.CODES)


def test_every_error_of_the_tree_has_an_example() -> None:
    assert set(of_rules()) == set(problem_examples.EXAMPLES)


def test_a_problem_has_the_members_of_the_contract() -> None:
    error = errors.IllegalTransition(Sentence("Reopen it."), state="closed", allowed=("reopen",))
    assert problems.problem(error, "/v1/incidents/7/answer") == {
        "type": "/docs/problems#illegal_transition",
        "title": "Not possible in this state",
        "status": 409,
        "detail": "Reopen it.",
        "instance": "/v1/incidents/7/answer",
        "code": "illegal_transition",
        "retryable": False,
        "state": "closed",
        "allowed": ["reopen"],
    }
    unknown = problems.problem(errors.UnknownCell(Sentence("Look it up."), "/grid_code"), "/v1/incidents")
    assert unknown["status"] == 422
    assert unknown["errors"] == [{"pointer": "/grid_code", "detail": "Look it up.", "rule": "unknown"}]


async def test_a_refusal_raised_in_a_route_is_answered_as_a_problem() -> None:
    answer = await ask("POST", "/v1/incidents/7/answer", json={"lat": 1})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["allowed"] == ["reopen"]


async def test_no_key_is_401_with_a_challenge() -> None:
    answer = await ask("GET", "/v1/incidents", known=False)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_database_that_is_away_is_503_with_retry_after() -> None:
    answer = await ask("GET", "/v1/away")
    assert (answer.status_code, answer.headers["retry-after"], answer.json()["code"]) == (503, "1", "unavailable")


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 60_000, b'{"a": ' + b"1" * 5000 + b"}", b"nothing"])
async def test_a_body_that_is_not_json_is_400_bad_json(body: bytes) -> None:
    answer = await ask("POST", "/v1/incidents", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_json"), answer.text
    assert "errors" not in answer.json()


@pytest.mark.parametrize(
    ("change", "pointer", "sentence"),
    [
        ({"description": None}, "/description", "Send text (a JSON string)."),
        ({"description": "x\x00"}, "/description", "Remove the control character U+0000: it is no text."),
        ({"description": "  "}, "/description", "Write something: nothing in this text can be seen."),
        ({"description": ""}, "/description", "Send at least 1 character."),
        ({"description": "x" * 41}, "/description", "Send at most 40 characters."),
        (
            {"grid_code": "44"},
            "/grid_code",
            "Send the 15 digits of a grid cell: district 6, street 3, community 3, cell 3.",
        ),
        ({"urgency": "soon"}, "/urgency", "Send one of urgent, normal."),
        ({"count": "1"}, "/count", "Send a whole number, without quotes."),
        ({"count": True}, "/count", "Send a whole number, without quotes."),
        ({"loud": 1}, "/loud", "Send true or false, without quotes."),
        ({"place": {"lat": "1"}}, "/place/lat", "Send a number, without quotes."),
        ({"place": {"lat": 91}}, "/place/lat", "Send 90 or less."),
        ({"place": []}, "/place", "Send a JSON object."),
        ({"place": {"lat": 1, "lng": 2}}, "/place/lng", "Remove this: nothing has this name here. Known: lat."),
        ({"a/b~c": 1}, "/a~1b~0c", "Remove this: nothing has this name here. Known: at, count, description, grid_code, loud, place, urgency."),  # noqa: E501
        ({"descripton": "x"}, "/descripton", "Remove this: nothing has this name here. Did you mean description? Known: at, count, description, grid_code, loud, place, urgency."),  # noqa: E501
    ],
)  # fmt: skip
async def test_a_fault_in_a_body_says_where_and_what_to_send(
    change: dict[str, Any], pointer: str, sentence: str
) -> None:
    assert faults_of(await ask("POST", "/v1/incidents", json={**GOOD, **change})) == {pointer: sentence}


async def test_all_faults_are_told_at_once() -> None:
    answer = await ask("POST", "/v1/incidents", json={"typo": 1}, headers={"Idempotency-Key": "a b"})
    assert set(faults_of(answer)) == {"/description", "/grid_code", "/typo", "Idempotency-Key:"}
    assert answer.json()["detail"] == "4 things are wrong, nothing was done: correct each of errors."


async def test_a_missing_body_names_its_fields() -> None:
    assert faults_of(await ask("POST", "/v1/incidents/7/answer")) == {"": "Send a JSON object with lat."}


async def test_a_body_that_is_not_an_object_is_told_so() -> None:
    assert faults_of(await ask("POST", "/v1/incidents", json=[1])) == {"": "Send a JSON object."}


async def test_half_a_surrogate_pair_is_refused() -> None:
    body = b'{"description": "\\ud800", "grid_code": "440105001001001"}'
    answer = await ask("POST", "/v1/incidents", content=body, headers={"content-type": "application/json"})
    assert "surrogate" in faults_of(answer)["/description"]


async def test_a_body_full_of_unknown_fields_is_refused_in_one_line() -> None:
    many = {f"field{n}": n for n in range(3000)}
    assert list(faults_of(await ask("POST", "/v1/incidents", json=many))) == [""]


async def test_a_batch_of_faults_is_cut_short() -> None:
    answer = await ask("POST", "/v1/incidents/batch", json={"items": [{}] * 400})
    assert len(answer.json()["errors"]) == 100
    assert answer.json()["detail"].startswith("800 things")


async def test_query_faults_point_with_a_question_mark() -> None:
    told = faults_of(await ask("GET", "/v1/incidents?limit=501&urgency=x&level=1,z&overdue=maybe&limits=1"))
    assert told == {
        "?limit": "Send 500 or less.",
        "?urgency": "Send one of urgent, normal.",
        "?level/1": "Send a whole number.",
        "?overdue": "Send true or false.",
        "?limits": "Remove this: nothing has this name here. Did you mean limit? "
        "Known: level, limit, overdue, urgency.",
    }


async def test_query_text_becomes_numbers() -> None:
    assert (await ask("GET", "/v1/incidents?limit=7&overdue=true")).json() == {"said": 7}


async def test_a_malformed_if_match_points_to_the_header() -> None:
    answer = await ask("POST", "/v1/incidents/7/answer", json={"lat": 1}, headers={"If-Match": "3"})
    assert list(faults_of(answer)) == ["If-Match:"]


async def test_a_path_that_cannot_name_anything_is_404() -> None:
    answer = await ask("GET", "/v1/incidents/seven")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_fault_in_the_body_goes_before_a_path_that_cannot_name_anything() -> None:
    assert list(faults_of(await ask("POST", "/v1/incidents/seven/answer", json={}))) == ["/lat"]


async def test_an_unknown_route_is_a_404_problem() -> None:
    answer = await ask("GET", "/v1/%E5%9B%9B%20x")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert answer.json()["instance"] == "/v1/%E5%9B%9B%20x"


async def test_a_wrong_method_is_405_with_allow() -> None:
    answer = await ask("PUT", "/v1/incidents")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST"


@pytest.mark.clause("API8:2023", "ASVS 13.4.2", "ASVS 16.5.1")
async def test_a_fault_of_ours_is_logged_and_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        answer = await ask("GET", "/v1/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal_error")
    assert "secret" not in answer.text
    assert "the secret inside" in caplog.text
    assert caplog.records[0].__dict__["event"] == "internal_error"


def test_a_model_validated_by_hand_is_refused_the_same_way() -> None:
    with pytest.raises(ValidationError) as caught:
        apps.Report.model_validate({"description": "x"})
    refusal = faults.validation_failed(caught.value, apps.Report, at="/items/3")
    assert refusal.errors == (Pointer("/items/3/grid_code", Sentence("Add this field: it is required."), Rule.MISSING),)
