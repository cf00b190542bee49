"""The judge of one exchange: whether the document says what was answered, and what was accepted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote

from service.web import strict_json
from tests.shapes import without_words
from tests.wire.operations import Operation, Operations, readings
from tests.wire.schemas import Schemas

PROBLEM = "application/problem+json"
PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}
OF_HTTP = frozenset({"content-length", "content-type", "date", "server", "connection", "transfer-encoding"})
"""Headers of HTTP itself, which no document lists."""
OF_BROWSERS = frozenset({"content-security-policy", "referrer-policy"})
"""The same on every answer, for a browser that opens it by itself; a client of the API has nothing to read in them."""
METRICS = "/metrics"
"""The one operation that reads no query, and so refuses none: scrapers send what they like."""
PAGES = ("/", "/docs", "/openapi.json")
"""For people and generators; no operation describes them."""


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. The names of headers are in lower case; `target` is the path with its query."""

    method: str
    target: str
    headers: Mapping[str, str]
    content: bytes
    status: int
    answer_headers: Mapping[str, str]
    answer: bytes


class Checker:
    """Everything that one document promises, ready to be held against exchanges."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._operations = Operations(document)
        self._schemas = Schemas(document)
        self._events = {name: _event_schema(item) for name, item in document.get("webhooks", {}).items()}

    def faults(self, exchange: Exchange) -> list[str]:
        """What the document does not say of this exchange, one sentence a fault; empty: nothing."""
        operation = self._operation(exchange)
        found = [*self._unknown(exchange)] if operation is None else [*self._known(operation, exchange)]
        name = operation.name if operation else f"{exchange.method} {exchange.target}"
        return [f"{name} {exchange.status}: {each}" for each in found]

    def objections(self, exchange: Exchange) -> list[str]:
        """What is wrong with the request by the document, one sentence a fault; empty: it is valid."""
        operation = self._operation(exchange)
        return (
            ["no operation has this path and method"] if operation is None else [*self._accepted(operation, exchange)]
        )

    def _operation(self, exchange: Exchange) -> Operation | None:
        return self._operations.find(exchange.method, unquote(exchange.target.partition("?")[0]))

    def _unknown(self, exchange: Exchange) -> Iterator[str]:
        """No operation has this path and method: a page, or a problem."""
        path = exchange.target.partition("?")[0]
        if exchange.status < 400 and (path in PAGES or path.startswith("/docs/")):
            return
        if not (400 <= exchange.status < 500 or exchange.status == 503):
            yield "no operation has this path and method"
        elif exchange.answer or exchange.method != "HEAD":
            yield from self._body(exchange, {PROBLEM: {"schema": PROBLEM_SCHEMA}})

    def _known(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        response = operation.responses.get(str(exchange.status))
        if response is None:
            yield f"not documented: {exchange.answer[:200].decode(errors='replace')}"
            return
        yield from self._headers(response["headers"], exchange.answer_headers)
        content = response.get("content", {})
        if exchange.method == "HEAD" or not content:
            if exchange.answer:
                yield "has a body, and none is documented"
        else:
            yield from self._body(exchange, content)
        if exchange.status < 300:
            yield from self._accepted(operation, exchange)

    def _headers(self, documented: Mapping[str, Any], sent: Mapping[str, str]) -> Iterator[str]:
        for name in sent:
            if name not in documented and name not in OF_HTTP | OF_BROWSERS:
                yield f"the header {name} is not documented"
        for name, header in documented.items():
            if name in sent:
                yield from self._value(f"the header {name}", header, [sent[name]])
            elif header.get("required"):
                yield f"the header {name} is missing"

    def _body(self, exchange: Exchange, content: Mapping[str, Any]) -> Iterator[str]:
        media = _media_type(exchange.answer_headers)
        if media not in content:
            yield f"the media type {media or 'of nothing'} is not documented"
            return
        if not media.endswith("json"):
            return
        value = json.loads(exchange.answer)
        yield from self._schemas.faults(content[media].get("schema", False), value)
        if media == PROBLEM:
            codes = content[media].get("examples")
            if codes and value.get("code") not in codes:
                yield f"the code {value.get('code')} is not documented: {value.get('detail')}"
        else:
            yield from self._cloud_events(value)

    def _cloud_events(self, value: Any) -> Iterator[str]:
        """The events of a feed, or of a timeline without its words, each by the schema of its type."""
        items = value.get("items") if isinstance(value, dict) else None
        for item in items or ():
            if isinstance(item, dict) and "specversion" in item:
                schema = self._events.get(item["type"])
                faults = ["not documented"] if schema is None else self._schemas.faults(schema, without_words(item))
                yield from (f"the event {item['type']}: {each}" for each in faults)

    def _accepted(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        """What the service took, although the document refuses it."""
        sent = _sent(operation, exchange)
        for place, name in operation.required - sent.keys():
            yield f"took a request without the {place} parameter {name}"
        for (place, name), values in sent.items():
            parameter = operation.parameters.get((place, name))
            if parameter is not None:
                yield from self._value(f"took the {place} parameter {name} = {values!r}", parameter, values)
            elif operation.path != METRICS:
                yield f"took the undocumented {place} parameter {name}"
        yield from self._accepted_body(operation, exchange)

    def _accepted_body(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        if not exchange.content:
            if operation.body and operation.body.get("required"):
                yield "took a request without its body"
            return
        if operation.body is None:
            yield "took a body, and none is documented"
            return
        media = _media_type(exchange.headers)
        if media not in operation.body["content"]:
            yield f"took a body of the undocumented media type {media}"
        elif media.endswith("json"):
            schema = operation.body["content"][media].get("schema", False)
            try:
                faults = [each for body in _taken(exchange) for each in self._schemas.faults(schema, body)]
            except ValueError as error:  # no JSON, or half a surrogate pair
                faults = [str(error)]
            yield from (f"took a body that the document refuses: {each}" for each in faults)

    def _value(self, what: str, parameter: Mapping[str, Any], values: Sequence[str]) -> Iterator[str]:
        """Whether a parameter or header may have these values, in one of the ways in which they can be read."""
        schema = parameter.get("schema", {})
        listed = values if parameter.get("explode", True) else values[0].split(",")
        found = [*(readings(values[0]) if len(values) == 1 else ()), *_lists(listed)]
        if all(self._schemas.faults(schema, each) for each in found):
            yield f"{what}: {self._schemas.faults(schema, found[0])[0]}"


def _sent(operation: Operation, exchange: Exchange) -> dict[tuple[str, str], list[str]]:
    """The values of parameters by place and name. Of the headers only those that are parameters."""
    path, _, query = exchange.target.partition("?")
    sent: dict[tuple[str, str], list[str]] = {}
    for want, have in zip(operation.steps, path.split("/"), strict=True):
        if want.startswith("{"):
            sent["path", want.strip("{}")] = [unquote(have)]
    for name, value in parse_qsl(query, keep_blank_values=True):
        sent.setdefault(("query", name), []).append(value)
    for place, name in operation.parameters:
        if place == "header" and name in exchange.headers:
            sent["header", name] = [exchange.headers[name].strip()]
    return sent


def _lists(values: Sequence[str]) -> list[list[Any]]:
    return [[readings(each)[0] for each in values], [readings(each)[-1] for each in values]]


def _taken(exchange: Exchange) -> list[Any]:
    """The body that was taken: of a batch, without the items that were refused one by one."""
    body = strict_json.loads(exchange.content.decode(json.detect_encoding(exchange.content)))
    if exchange.status >= 400 or not exchange.target.endswith("/batch"):
        return [body]
    results = json.loads(exchange.answer)["results"]
    taken = [item for item, result in zip(body["items"], results, strict=True) if result["status"] < 400]
    return [{**body, "items": taken}] if taken else []


def _media_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _event_schema(item: Mapping[str, Any]) -> Mapping[str, Any]:
    (content,) = item["post"]["requestBody"]["content"].values()
    schema: Mapping[str, Any] = content["schema"]
    return schema
