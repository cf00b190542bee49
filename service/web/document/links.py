"""Links: from what a POST made to the operations on it, so that a client or a tester finds them without reading."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.web.document import tree
from service.web.doors import JSON

_PARAMETER = re.compile(r"{(\w+)}")


def add(document: dict[str, Any]) -> None:
    """Link each successful POST to the operations below its path that take one parameter, where the answer has the
    value of it: in a field of the same name, or else in `id`."""
    operations = list(tree.operations(document))
    for path, method, operation in operations:
        if method != "post" or "{" in path:
            continue
        below = [(other, each["operationId"]) for other, _, each in operations if other.startswith(f"{path}/{{")]
        for status, response in operation["responses"].items():
            links = _links(below, _fields(document, response)) if status.startswith("2") else {}
            if links:
                response["links"] = links


def _links(below: list[tuple[str, str]], fields: Mapping[str, Any]) -> dict[str, Any]:
    links = {}
    for path, name in below:
        parameters = _PARAMETER.findall(path)
        field = parameters[0] if parameters[0] in fields else "id"
        if len(parameters) == 1 and field in fields:
            links[name] = {"operationId": name, "parameters": {parameters[0]: f"$response.body#/{field}"}}
    return links


def _fields(document: Mapping[str, Any], response: Mapping[str, Any]) -> Mapping[str, Any]:
    schema = response.get("content", {}).get(JSON, {}).get("schema", {})
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    found: Mapping[str, Any] = schema.get("properties", {})
    return found
