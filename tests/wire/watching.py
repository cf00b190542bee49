"""The hook in every HTTP client of the suite: what the service answers is held against its document at once, and
searched for what was sent of persons."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.access.keyring import Keyring
from service.process import Process
from service.rules.words import Role
from tests.wire.checker import Checker, Exchange
from tests.wire.personal import SentPersons

_FOREIGN = ("/forms/", "/sign-", "/issuer/")
"""The paths of doors that speak no JSON: one that only tests/test_main.py adds, that of the
pages to sign in; and of the issuer of tests/sign_on/issuer.py."""
_STREAM = "text/event-stream"


@contextmanager
def watched(checker: Checker, sent: SentPersons) -> Iterator[None]:
    """Let every answer of the service, in this process or from a server, fail the test that received it, when the
    document does not describe it, or when it holds what was sent of persons. Small apps that tests put together from
    parts of the service are left alone."""
    in_process, from_server = httpx.ASGITransport.handle_async_request, httpx.HTTPTransport.handle_request
    from_server_async = httpx.AsyncHTTPTransport.handle_async_request

    async def ask_app(transport: httpx.ASGITransport, request: httpx.Request) -> httpx.Response:
        response = await in_process(transport, request)
        if not _is_service(transport.app):
            return response
        if await _is_whole_async(response):
            _judge(checker, request, response)
            role = _role_of(transport.app, request) if sent.numbers else None
            _search(sent, request, response, role)
        return response

    def ask_server(transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        response = from_server(transport, request)
        if not _streams(response):
            response.read()
            _judge(checker, request, response)
            _search(sent, request, response)
        return response

    async def ask_server_async(transport: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        response = await from_server_async(transport, request)
        if await _is_whole_async(response):
            _judge(checker, request, response)
            _search(sent, request, response)
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.ASGITransport, "handle_async_request", ask_app)
        patch.setattr(httpx.HTTPTransport, "handle_request", ask_server)
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", ask_server_async)
        yield


def _is_service(app: Any) -> bool:
    return isinstance(app, FastAPI) and hasattr(app.state, "process")


def _streams(response: httpx.Response) -> bool:
    return str(response.headers.get("content-type")).startswith(_STREAM)


async def _is_whole_async(response: httpx.Response) -> bool:
    """Whether an answer has an end; then it is read to it."""
    if _streams(response):
        return False
    await response.aread()
    return True


def _judge(checker: Checker, request: httpx.Request, response: httpx.Response) -> None:
    if request.url.path.startswith(_FOREIGN):
        return
    faults = checker.faults(exchange_of(request, response))
    assert not faults, "\n".join(["The document does not describe this:", *faults])


def _search(sent: SentPersons, request: httpx.Request, response: httpx.Response, role: Role | None = None) -> None:
    """What a request says is looked for in its own answer already."""
    sent.note(request.url.path, _content(request))
    leaks = sent.leaks(request.url.path, role, response)
    assert not leaks, "\n".join([f"{request.method} {request.url} {response.status_code}:", *leaks])


def _role_of(app: Any, request: httpx.Request) -> Role | None:
    """The role of the key by which somebody asks; None without a key, or with one that works no more."""
    process: Process = app.state.process
    key = request.headers.get("authorization", "").removeprefix("Bearer ")
    actor = process.context.part(Keyring).find(key, process.clock.now())
    return None if actor is None else actor.role


def exchange_of(request: httpx.Request, response: httpx.Response) -> Exchange:
    """A request and its answer, as the checker takes them."""
    return Exchange(
        method=request.method,
        target=request.url.raw_path.decode("ascii"),
        headers=_once(request.headers),
        content=_content(request),
        status=response.status_code,
        answer_headers=dict(response.headers.items()),
        answer=response.content,
    )


def _once(headers: httpx.Headers) -> dict[str, str]:
    """Each header with one value: of one that is sent twice, the service takes equal values as one."""
    return {name.decode("ascii").lower(): value.decode("latin-1") for name, value in headers.raw}


def _content(request: httpx.Request) -> bytes:
    try:
        return request.content
    except httpx.RequestNotRead:  # sent in chunks, which are gone
        return b""
