"""One request for each operation of the OpenAPI document, made of the document's own examples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tests.docs.pages import ROOT
from tests.house import CATEGORY, CELL, COMMUNITY, STREET

NOBODYS = "01a205ea-0000-7000-8000-000000000000"
"""An id that nothing has."""

_DOCUMENT: Mapping[str, Any] = json.loads((ROOT / "openapi" / "openapi.json").read_text(encoding="utf-8"))
_METHODS = ("get", "put", "post", "delete", "patch")
_CODES = {"/v1/grid-cells/": CELL, "/v1/calendars/": "cn", "/v1/policies/": "example", "/v1/duties/": "EX-007"}
"""What stands for `{code}` in the paths that begin so."""
_NAMES = {"id": NOBODYS, "n": "1", "period": "2026-10", "seq": "1", "unit": STREET}
_QUERIES: Mapping[str, Mapping[str, str]] = {
    "/v1/appraisal": {"period": "2026-11", "group_by": "unit"},
    "/v1/appraisal/calls": {"period": "2026-11", "measure": "missed"},
    "/v1/appraisal/watch": {"period": "2026-11"},
    "/v1/appraisal/watch/calls": {"period": "2026-11", "sign": "raised", "unit": COMMUNITY},
    "/v1/calendars/{code}/days": {"first": "2026-11-01", "last": "2026-11-30"},
    "/v1/grid-cells/locate": {"lat": "23.08", "lon": "113.31", "coord_type": "wgs84"},
    "/v1/grid-cells/{code}/chain": {"category": CATEGORY},
}
"""The parameters that an operation asks for when it reads."""


class Sent(NamedTuple):
    """One request. `operation` is as people name it, `POST /v1/incidents`; `path` still has `{incident_id}`."""

    operation: str
    method: str
    path: str
    body: Any
    query: Mapping[str, str]


def document() -> Mapping[str, Any]:
    """The OpenAPI document."""
    return _DOCUMENT


def every() -> Iterator[Sent]:
    """One request for each operation that needs a key."""
    for path, item in _DOCUMENT["paths"].items():
        for method in _METHODS:
            if method in item and path.startswith("/v1/"):
                body = _example(item[method].get("requestBody"))
                query = _QUERIES.get(path, {}) if method == "get" else {}
                yield Sent(f"{method.upper()} {path}", method.upper(), _filled(path), body, query)


def _filled(path: str) -> str:
    code = next((value for start, value in _CODES.items() if path.startswith(start)), "")
    for name, value in {"code": code, **_NAMES}.items():
        path = path.replace(f"{{{name}}}", value)
    return path


def _example(body: Mapping[str, Any] | None) -> Any:
    """The first example of the body, of its operation or of its schema; an empty one where neither has any."""
    if body is None:
        return None
    content = body["content"]["application/json"]
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    schema = _DOCUMENT["components"]["schemas"].get(name, content["schema"])
    return next(
        iter([*(each["value"] for each in content.get("examples", {}).values()), *schema.get("examples", ())]), {}
    )
