"""What every verb has in common: its fences, its answer, the problems it lists."""

from __future__ import annotations

from typing import Any

import pytest

from service.incidents import action_requests
from service.rules import errors
from tests.house import House

pytestmark = pytest.mark.anyio

UNTIL = "2026-11-23T03:00:00Z"


def _path(incident: Any, verb: str) -> str:
    return f"/v1/incidents/{incident['id']}/{verb}"


async def test_the_answer_is_the_incident_as_it_now_stands(house: House) -> None:
    incident = await house.report()
    answer = await house.send("community", "POST", _path(incident, "answer"), {"measure": "去看"})
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"')
    assert "idempotency-replayed" not in answer.headers
    assert answer.json() == await house.get("community", f"/v1/incidents/{incident['id']}")


async def test_a_replay_says_so_and_shows_what_happened_since(house: House) -> None:
    incident, key = await house.report(), {"Idempotency-Key": "k"}
    await house.send("community", "POST", _path(incident, "answer"), {"measure": "去看"}, headers=key)
    await house.act("community", incident, "resolve", result="好了")
    again = await house.send("community", "POST", _path(incident, "answer"), {"measure": "去看"}, headers=key)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert (again.json()["state"], again.headers["etag"]) == ("resolved", '"3"')


async def test_a_field_left_out_and_one_sent_are_two_bodies(house: House) -> None:
    incident, key = await house.report(), {"Idempotency-Key": "k"}
    await house.send("worker", "POST", _path(incident, "withdraw"), {"reason": "弄错了"}, headers=key)
    other = await house.send("worker", "POST", _path(incident, "withdraw"), {"reason": "别的"}, headers=key)
    assert other.json()["code"] == "idempotency_mismatch"


async def test_a_key_stands_for_the_number_in_its_path(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "hold", reason="等料", until=UNTIL)
    key = {"Idempotency-Key": "k"}
    first = await house.send("street", "POST", _path(incident, "requests/1/approve"), {}, headers=key)
    assert first.status_code == 200, first.text
    again = await house.send("street", "POST", _path(incident, "requests/1/approve"), {}, headers=key)
    assert again.headers["idempotency-replayed"] == "true"
    other = await house.send("street", "POST", _path(incident, "requests/2/approve"), {}, headers=key)
    assert other.json()["code"] == "idempotency_mismatch"


def test_an_action_lists_its_own_problems_beside_the_common_ones() -> None:
    common, more = action_requests.RESPONSES, action_requests.responses(errors.UnknownUnit)
    assert set(common) == {200, 400, 401, 403, 404, 409, 412, 413, 415, 422, 503}
    assert set(more) == set(common)
    assert "unknown_unit" in more[422]["description"] and "unknown_unit" not in common[422]["description"]
