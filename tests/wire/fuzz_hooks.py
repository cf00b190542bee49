"""What schemathesis has to know of sihu: who asks, what would make a run long, and why a valid request may be refused.

The command loads this module by `hooks` in schemathesis.toml.
"""

from __future__ import annotations

import json
import os
import zlib
from typing import Any
from urllib.parse import urlsplit

import schemathesis
from schemathesis import AuthContext, CheckContext, HookContext, Response

from tests.wire import refusals
from tests.wire.checker import Checker, Exchange

ROLES = ("OPS", "REPORTER", "COMMUNITY")
"""Each has its key in the variable FUZZ_<role>."""
MAX_WAIT_S, MAX_ADVANCE_S = 60, 86_400
NOBODYS = "00000000-0000-7000-8000-000000000000"
"""The id of no key."""


@schemathesis.auth(refresh_interval=None)
class SomebodysKey:
    """One of three people, always the same one for the same request."""

    def get(self, case: Any, context: AuthContext) -> str:
        request = repr((case.method, case.path, case.path_parameters, case.query, case.body))
        return _keys()[zlib.crc32(request.encode(errors="surrogatepass")) % len(ROLES)]

    def set(self, case: Any, data: str, context: AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


@schemathesis.hook
def before_call(context: HookContext, case: Any, kwargs: dict[str, Any]) -> None:
    """Keep the run short and the keys alive: hold no request, move the clock by a day at most, revoke other keys."""
    if (
        isinstance(case.query, dict)
        and str(case.query.get("wait", "")).isdigit()
        and int(case.query["wait"]) <= MAX_WAIT_S
    ):
        case.query["wait"] = 0
    if case.path == "/v1/clock/advance" and _is_positive(case) and isinstance(case.body, dict):
        case.body = {"seconds": min(case.body.get("seconds") or 60, MAX_ADVANCE_S)}
    if case.method == "DELETE" and str(case.path_parameters.get("id")).lower() in os.environ["FUZZ_KEEP"]:
        case.path_parameters["id"] = NOBODYS


def _is_positive(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode.is_positive is True


_judges: list[Checker] = []


@schemathesis.hook
def after_load_schema(context: HookContext, schema: Any) -> None:
    """Make the suite's own judge of the document that is fuzzed."""
    _judges[:] = [Checker(schema.raw_schema)]


@schemathesis.check
def as_documented(context: CheckContext, response: Response, case: Any) -> None:
    """The suite's own judge: closed schemas, known codes, headers, each event by the schema of its type."""
    faults = _judges[0].faults(_exchange(response))
    assert not faults, "\n".join(faults)


@schemathesis.check
def refused_for_the_registry_or_the_state(context: CheckContext, response: Response, case: Any) -> None:
    """A request that is valid by the document, whoever made it so, is carried out or refused for a listed reason."""
    exchange = _exchange(response)
    if response.status_code < 400 or _judges[0].objections(exchange) or not _signed_in(exchange):
        return
    problem = json.loads(response.content)
    assert refusals.is_listed(problem), f"the document calls this valid: {problem}"


def _signed_in(exchange: Exchange) -> bool:
    return exchange.headers.get("authorization", "").removeprefix("Bearer ") in _keys()


def _keys() -> list[str]:
    return [os.environ[f"FUZZ_{role}"] for role in ROLES]


def _exchange(response: Response) -> Exchange:
    request = response.request
    parts = urlsplit(request.url or "")
    body: Any = request.body
    return Exchange(
        method=request.method or "",
        target=parts.path + (f"?{parts.query}" if parts.query else ""),
        headers={str(name).lower(): str(value) for name, value in request.headers.items()},
        content=body.encode() if isinstance(body, str) else body or b"",
        status=response.status_code,
        answer_headers={name: ", ".join(values) for name, values in response.headers.items()},
        answer=response.content,
    )
