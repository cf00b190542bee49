"""The document's schemas as compiled validators, closed: what a schema does not name, a body may not have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jsonschema_rs

_DOCUMENT = "sihu:document"
_OPEN = ("additionalProperties", "unevaluatedProperties", "patternProperties")
_MAX_FAULTS, _MAX_LENGTH = 5, 300


class Schemas:
    """The components of one document. The published schemas stay open, since a later version may add fields."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        components = {"components": _closed({"schemas": document["components"]["schemas"]})}
        self._registry = jsonschema_rs.Registry([(_DOCUMENT, components)])
        self._compiled = cache(self._compile)

    def faults(self, schema: Mapping[str, Any], instance: Any) -> list[str]:
        """What is wrong with `instance` by a schema of the document, one sentence a fault; empty: nothing."""
        validator = self._compiled(json.dumps(schema, sort_keys=True))
        if validator.is_valid(instance):
            return []
        return [_sentence(error) for error in validator.iter_errors(instance)][:_MAX_FAULTS]

    def _compile(self, text: str) -> jsonschema_rs.Draft202012Validator:
        return jsonschema_rs.Draft202012Validator(
            _closed(json.loads(text)), registry=self._registry, validate_formats=True, offline=True
        )


def _closed(schema: Any) -> Any:
    """A copy in which each object has its named fields only, and each reference leads into the registry."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {name: _closed(value) for name, value in schema.items()}
    if isinstance(copy.get("$ref"), str):
        copy["$ref"] = copy["$ref"].replace("#/", f"{_DOCUMENT}#/", 1)
    if copy.get("type") == "object" and "properties" in copy and not any(name in copy for name in _OPEN):
        copy["additionalProperties"] = False
    return copy


def _sentence(error: jsonschema_rs.ValidationError) -> str:
    place = "/".join(str(step) for step in error.instance_path)
    return f"/{place}: {error.message}"[:_MAX_LENGTH]
