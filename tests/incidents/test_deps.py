"""What a request on an incident carries in its path and headers."""

from __future__ import annotations

import pytest

from tests.house import House

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("header", "value", "pointer"),
    [
        ("If-Match", "3", "If-Match:"),
        ("Idempotency-Key", "two words", "Idempotency-Key:"),
        ("Idempotency-Key", "x" * 256, "Idempotency-Key:"),
    ],
)
async def test_a_malformed_header_is_pointed_at(house: House, header: str, value: str, pointer: str) -> None:
    incident = await house.report()
    path = f"/v1/incidents/{incident['id']}/comment"
    answer = await house.send("worker", "POST", path, {"text": "x"}, headers={header: value})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_an_id_that_is_none_is_not_found(house: House) -> None:
    answer = await house.send("worker", "POST", "/v1/incidents/17/comment", {"text": "x"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
