"""What the document says of texts and times is what the service does: both are tried with the same values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from ipaddress import ip_network
from typing import Annotated, Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.registry.schemas import DayOrMoment
from service.web import headers, patterns, text
from service.web.patterns import Shown

KINDS: dict[str, Any] = {
    "words": Annotated[str, *text.words(9)],
    "line": Annotated[str, *text.one_line(9)],
    "name": Annotated[str, *text.identifier(9)],
}


def _accepts(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


def _texts() -> Iterator[str]:
    """Every code point of the first plane but surrogates: alone, between letters, and at the end."""
    for code in range(0x10000):
        if not 0xD800 <= code < 0xE000:
            yield from (chr(code), f"a{chr(code)}b", f"a{chr(code)}")
    yield from ("", " ", "a b", "\t\n", "\u200b \u2060", "😀", "\U00031350", "é" * 9, "x" * 9, "x" * 10)


@pytest.mark.parametrize("kind", KINDS)
def test_the_document_refuses_the_texts_that_the_service_refuses(kind: str) -> None:
    adapter = TypeAdapter(KINDS[kind])
    described = jsonschema_rs.validator_for(adapter.json_schema())
    differ = [each for each in _texts() if _accepts(adapter, each) != described.is_valid(each)]
    assert [f"U+{ord(each[len(each) > 1]):04X}" for each in differ] == []


@pytest.mark.parametrize("pattern", [patterns.WORDS, patterns.LINE, patterns.NAME])
def test_a_pattern_reads_the_same_in_python_and_rust(pattern: str) -> None:
    """A line break at the very end is the one exception: `$` of Python looks past it."""
    in_rust = jsonschema_rs.validator_for({"pattern": pattern})
    in_python = re.compile(pattern)
    differ = [
        each for each in _texts() if not each.endswith("\n") and bool(in_python.search(each)) != in_rust.is_valid(each)
    ]
    assert differ == []


TIMES = [
    "2026-11-23T08:55:00+08:00",
    "2026-11-23T00:55:00Z",
    "2026-11-23T00:55:00.123456Z",
    "2199-12-31T23:59:59+08:00",
    "2200-01-01T00:00:00Z",
    "1999-12-31T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "0001-01-01T00:00:00+08:00",
    "9999-12-31T23:59:59-08:00",
    "0000-12-31T00:00:00Z",
    "2026-11-23T24:00:00Z",
    "2026-11-23T08:60:00Z",
    "2026-13-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2028-02-29T00:00:00Z",
    "2026-11-23T08:55:00",
    "2026-11-23",
    "1763860000",
    "",
    "now",
]


@pytest.mark.parametrize("value", TIMES)
@pytest.mark.parametrize("kind", [text.Moment, text.AnyMoment, text.CalendarDay, DayOrMoment, text.Month])
def test_the_document_refuses_the_times_that_the_service_refuses(kind: Any, value: str) -> None:
    for each in (value, value[:10], value[:7]):
        adapter = TypeAdapter(kind)
        schema = adapter.json_schema()
        described = jsonschema_rs.validator_for(schema, validate_formats=True)
        if "format" not in schema and re.match(r"\d{4}-02-29", each):
            continue  # a pattern does not count the days of February
        assert _accepts(adapter, each) == described.is_valid(each), each


def test_every_day_of_a_century_is_described() -> None:
    described = jsonschema_rs.validator_for({"pattern": patterns.DAY})
    days = (date(2000, 1, 1) + timedelta(days=n) for n in range(36_525))
    assert [day for day in days if not described.is_valid(day.isoformat())] == []


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ("*", True),
        ('"3"', True),
        ('W/"3"', True),
        ('"3", "4"', True),
        ('"3","4"', True),
        ('""', True),
        ("3", False),
        ('"3', False),
        ('"3" "4"', False),
        ("", False),
        ("*, *", False),
    ],
)
def test_entity_tags_are_described(value: str, valid: bool) -> None:
    described = jsonschema_rs.validator_for({"pattern": patterns.IF_MATCH})
    assert described.is_valid(value) is valid
    if valid:
        headers.parse_if_match(value)


def test_a_pattern_is_shown_beside_the_limits_of_its_type() -> None:
    schema = TypeAdapter(Annotated[str, *text.words(9)]).json_schema()
    assert (schema["minLength"], schema["maxLength"], schema["pattern"]) == (1, 9, patterns.WORDS)
    assert TypeAdapter(Annotated[datetime, Shown("x")]).json_schema() == {
        "type": "string",
        "pattern": "x",
        "format": "date-time",
    }


@settings(max_examples=500)
@given(st.data())
def test_networks_are_described(data: st.DataObject) -> None:
    """Against the standard library, with a character or two changed."""
    address = str(data.draw(st.ip_addresses()))
    if ":" in address and data.draw(st.booleans()):
        address = f"::{address.rpartition(':')[2] or '0'}:10.0.0.1"
    written = list(address + data.draw(st.sampled_from(("", "/0", "/8", "/32", "/33", "/128", "/129", "/08", "/"))))
    for _ in range(data.draw(st.integers(0, 2))):
        at = data.draw(st.integers(0, len(written)))
        written[at : at + data.draw(st.integers(0, 1))] = data.draw(
            st.sampled_from(("", ":", "::", ".", "0", "f", "/"))
        )
    text = "".join(written)
    described = jsonschema_rs.validator_for({"pattern": patterns.NETWORK})
    assert described.is_valid(text) is _is_network(text)


def _is_network(text: str) -> bool:
    bits = text.partition("/")[2]
    if "." in bits or (len(bits) > 1 and bits.startswith("0")):  # a mask, or /08: the library reads them as well
        return False
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True
