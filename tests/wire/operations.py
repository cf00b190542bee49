"""The operations of the document: which one a request went to, and what it documents."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

_METHODS = ("get", "put", "post", "delete", "patch")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")


@dataclass(frozen=True)
class Operation:
    """One method of one path. `parameters` are by place and name."""

    method: str
    path: str
    parameters: Mapping[tuple[str, str], Mapping[str, Any]]
    body: Mapping[str, Any] | None
    responses: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """As people name it: `GET /v1/incidents`."""
        return f"{self.method} {self.path}"

    @cached_property
    def required(self) -> frozenset[tuple[str, str]]:
        """The parameters that every request has, by place and name."""
        return frozenset(key for key, each in self.parameters.items() if each.get("required"))

    @cached_property
    def steps(self) -> tuple[str, ...]:
        """The path, step by step."""
        return tuple(self.path.split("/"))


class Operations:
    """Every operation of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._by_length: dict[int, dict[tuple[str, ...], dict[str, Operation]]] = {}
        for operation in sorted(_every(document), key=lambda each: each.path.count("{")):  # words go before names
            paths = self._by_length.setdefault(len(operation.steps), {})
            paths.setdefault(operation.steps, {})[operation.method] = operation

    def find(self, method: str, path: str) -> Operation | None:
        """The operation of a request; that of the GET for a HEAD; None: the document has none."""
        steps = path.split("/")
        for template, by_method in self._by_length.get(len(steps), {}).items():
            if _matches(template, steps):
                return by_method.get("GET" if method == "HEAD" else method)
        return None


def _every(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                found = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                parameters = {
                    (each["in"], each["name"].lower() if each["in"] == "header" else each["name"]): each
                    for each in (resolved(each, document) for each in found)
                }
                responses = {status: _response(each, document) for status, each in item[method]["responses"].items()}
                body = item[method].get("requestBody")
                yield Operation(method.upper(), path, parameters, body and resolved(body, document), responses)


def _response(part: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    response = resolved(part, document)
    headers = {name.lower(): resolved(header, document) for name, header in response.get("headers", {}).items()}
    return {**response, "headers": headers}


def resolved(part: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """A part of the document, or what its `$ref` leads to."""
    if "$ref" not in part:
        return part
    found: Any = document
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found, document)


def _matches(template: Sequence[str], steps: Sequence[str]) -> bool:
    return all(want == have or (want[:1] == "{" and have != "") for want, have in zip(template, steps, strict=True))


def readings(text: str) -> list[Any]:
    """The JSON values that a text in a path, a query or a header can stand for."""
    values: list[Any] = [text]
    if text in ("true", "false"):
        values.append(text == "true")
    if _NUMBER.fullmatch(text):
        values.append(float(text) if "." in text else int(text))
    return values
