"""Headers that a request has more than once, and bodies that are encoded."""

from __future__ import annotations

import gzip
from typing import Any

import httpx
import pytest

from service.web import header_lines
from tests.house import CATEGORY, CELL, House

pytestmark = pytest.mark.anyio

BODY = f'{{"grid_code":"{CELL}","category":"{CATEGORY}","description":"x"}}'.encode()


async def send(house: House, *lines: tuple[str, str], content: bytes = BODY, path: str = "/v1/incidents") -> Any:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://sihu") as client:
        return await client.post(path, content=content, headers=list(lines))


async def key(house: House, who: str = "worker") -> tuple[str, str]:
    return "Authorization", f"Bearer {await house.key(who)}"


JSON = ("Content-Type", "application/json")


@pytest.mark.clause("ASVS 1.3.3", "ASVS 15.3.7")
@pytest.mark.parametrize(
    ("lines", "status", "pointer"),
    [
        ([("Idempotency-Key", "a"), ("Idempotency-Key", "b"), JSON], 422, "Idempotency-Key:"),
        ([("Idempotency-Key", "a"), ("Idempotency-Key", "a"), JSON], 201, None),
        ([JSON, ("Content-Type", "text/csv")], 415, None),
        ([("Content-Type", "text/csv"), JSON], 415, None),
        ([JSON, JSON], 201, None),
        ([JSON, ("Authorization", "Bearer another")], 401, None),
        ([JSON, ("Authorization", "Basic YTpi")], 401, None),
    ],
)
async def test_two_values_where_one_belongs_are_refused(
    house: House, lines: list[tuple[str, str]], status: int, pointer: str | None
) -> None:
    answer = await send(house, await key(house), *lines)
    assert answer.status_code == status, answer.text
    assert [each["pointer"] for each in answer.json().get("errors", ())] == ([pointer] if pointer else [])


async def test_the_lines_of_a_list_are_one_list(house: House) -> None:
    incident = await house.report()
    path, line = f"/v1/incidents/{incident['id']}/answer", await key(house, "community")
    other = ("If-Match", '"7"')
    answer = await send(house, line, JSON, other, ("If-Match", '"1"'), content=b'{"measure":"m"}', path=path)
    assert answer.status_code == 200, answer.text
    answer = await send(house, line, JSON, other, ("If-Match", "x"), content=b'{"measure":"m"}', path=path)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "If-Match:")


def test_a_request_without_repetition_is_left_alone() -> None:
    lines = [(b"accept", b"a"), (b"cookie", b"b"), (b"x-a", b"c")]
    scope = {"headers": lines}
    assert header_lines.settle(scope) is None
    assert scope["headers"] is lines


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Content-Encoding", "gzip", 415),
        ("Content-Encoding", "br", 415),
        ("Content-Encoding", "deflate", 415),
        ("Content-Encoding", "identity, gzip", 415),
        ("Content-Encoding", "x-unknown", 415),
        ("Content-Encoding", "identity", 201),
        ("Content-Encoding", "Identity", 201),
        ("Content-Encoding", "", 201),
    ],
)
async def test_an_encoded_body_is_415(house: House, name: str, value: str, status: int) -> None:
    content = BODY if status == 201 else gzip.compress(BODY)
    answer = await send(house, await key(house), JSON, (name, value), content=content)
    assert answer.status_code == status, answer.text
    if status == 415:
        assert (answer.json()["code"], answer.headers["accept-encoding"]) == ("unsupported_media_type", "identity")
        assert "not compressed" in answer.json()["detail"]
