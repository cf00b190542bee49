"""The parameters of operations as they are really sent: nobody can send null in a query, and a list is one text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.web.document import tree


def tidy(document: Mapping[str, Any]) -> None:
    """Take null out of the schemas of parameters, and let the values of a list be separated by commas. An empty list
    cannot be sent: without a value between the commas there would be one that is empty."""
    for _, _, operation in tree.operations(document):
        for parameter in operation.get("parameters", ()):
            schema = parameter["schema"] = _without_null(parameter["schema"])
            if schema.get("type") == "array":
                schema.pop("default", None)
                schema["minItems"] = 1
                parameter |= {"style": "form", "explode": False}


def _without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in schema.items() if name != "anyOf" and (name, value) != ("default", None)}
    kinds = [each for each in schema.get("anyOf", ()) if each.get("type") != "null"]
    if len(kinds) > 1:
        return {**rest, "anyOf": kinds}
    return {**rest, **kinds[0]} if kinds else rest
