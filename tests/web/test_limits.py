from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from service.web.doors import BODY_BYTES, BULK_BYTES, ZIP
from service.web.limits import QUERY_BYTES
from tests.web import apps

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}


async def chunks(size: int, piece: int = 8192) -> AsyncIterator[bytes]:
    for _ in range(size // piece):
        yield b" " * piece
    yield b" " * (size % piece)


@pytest.mark.clause("API4:2023", "ASVS 5.2.1")
@pytest.mark.parametrize(
    ("path", "most"),
    [("/v1/incidents", BODY_BYTES), ("/v1/incidents/batch", BULK_BYTES), ("/v1/registry/import", BULK_BYTES)],
)
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_413(path: str, most: int, chunked: bool) -> None:
    async with apps.client(apps.make()) as client:
        for size, code in ((most, None), (most + 1, "body_too_large")):
            content = chunks(size, 65536) if chunked else b" " * size
            answer = await client.post(path, content=content, headers=JSON)
            assert (answer.json().get("code") == "body_too_large") is (code is not None), (size, answer.text)
            assert code is None or answer.status_code == 413


@pytest.mark.clause("ASVS 3.5.2")
@pytest.mark.parametrize(
    "media", [None, "text/plain", "application/zip", "application/jsonx", "application/x-www-form-urlencoded"]
)
async def test_a_body_that_is_not_said_to_be_json_is_415(media: str | None) -> None:
    async with apps.client(apps.make()) as client:
        answer = await client.post("/v1/incidents", content=b"{}", headers={"content-type": media} if media else {})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


async def test_the_import_takes_a_zip_and_json_and_nothing_else() -> None:
    async with apps.client(apps.make()) as client:
        for media, status in (("application/zip", 200), ("Application/JSON; charset=utf-8", 200), ("text/csv", 415)):
            answer = await client.post("/v1/registry/import", content=b"PK", headers={"content-type": media})
            assert answer.status_code == status


async def test_another_method_is_refused_as_such() -> None:
    async with apps.client(apps.make()) as client:
        for media, size, status in ((ZIP, 2, 405), ("text/csv", 2, 415), (ZIP, 70_000, 413)):
            headers = {"content-type": media}
            answer = await client.put("/v1/registry/import", content=b"x" * size, headers=headers)
            assert answer.status_code == status


async def test_no_body_needs_no_content_type() -> None:
    async with apps.client(apps.make()) as client:
        answer = await client.post("/v1/registry/import", headers={"content-length": "0"})
    assert answer.json() == {"said": 0}


@pytest.mark.parametrize("length", ["0" * 25 + "9999999", "9" * 30, "-1", "x"])
async def test_a_length_that_hides_its_size_is_413(length: str) -> None:
    async with apps.client(apps.make()) as client:
        answer = await client.post("/v1/incidents", content=b"{}", headers={**JSON, "content-length": length})
    assert answer.status_code == 413


async def test_an_over_long_query_is_400() -> None:
    async with apps.client(apps.make()) as client:
        answer = await client.get("/v1/incidents?limit=" + "1" * QUERY_BYTES)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
        assert (await client.get("/v1/incidents", headers={"authorization": ""})).status_code == 401


async def talk(port: int, *pieces: bytes) -> tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]:
    """Send pieces on one connection; the head of the first answer and the open connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    return head, reader, writer


def head(path: str, *lines: str) -> bytes:
    said = [
        f"POST {path} HTTP/1.1",
        "Host: sihu",
        "Authorization: Bearer good",
        "Content-Type: application/json",
        *lines,
    ]
    return ("\r\n".join(said) + "\r\n\r\n").encode()


async def test_an_announced_giant_is_refused_before_it_is_sent_and_the_connection_stays_usable() -> None:
    size = 1_000_000
    async with apps.served(apps.make()) as port:
        first, reader, writer = await talk(port, head("/v1/incidents", f"Content-Length: {size}"))
        assert first.startswith(b"HTTP/1.1 413")
        length = int(first.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        await reader.readexactly(length)
        writer.write(b" " * size + head("/v1/registry/import", "Content-Length: 2") + b"{}")
        await writer.drain()
        second = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert second.startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()


@pytest.mark.clause("ASVS 5.2.1")
async def test_an_endless_chunked_body_is_refused_at_the_limit() -> None:
    async with apps.served(apps.make()) as port:
        piece = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
        pieces = [piece] * (BODY_BYTES // 0x2000 + 1)  # never ended
        first, _, writer = await talk(port, head("/v1/incidents", "Transfer-Encoding: chunked"), *pieces)
        assert first.startswith(b"HTTP/1.1 413")
        assert b"application/problem+json" in first
        writer.close()
        await writer.wait_closed()
