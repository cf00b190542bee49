"""Answers are the same bytes, whichever library writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from asyncpg.pgproto.pgproto import UUID as DriverUUID
from hypothesis import given
from hypothesis import strategies as some
from pydantic_core import to_json

from service.rules.sentences import Sentence
from service.rules.words import Level, State
from service.web.answers import encode

_PLAIN = (
    some.none()
    | some.booleans()
    | some.integers()
    | some.floats()
    | some.text()
    | some.uuids()
    | some.dates()
    | some.datetimes(timezones=some.just(UTC))
    | some.sampled_from([*State, *Level])
)
_VIEWS = some.recursive(_PLAIN, lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner), max_leaves=20)


@given(_VIEWS)
def test_a_view_is_written_as_pydantic_writes_it(view: Any) -> None:
    assert encode(view) == to_json(view, inf_nan_mode="null")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (DriverUUID("019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11"), b'"019a4358-4c00-7d3a-8f1e-5b0c9a7e2d11"'),
        (Sentence("{n} things", n=2), b'"2 things"'),
        (datetime(2026, 11, 23, 1, 2, 3, 400_000, tzinfo=UTC), b'"2026-11-23T01:02:03.400000Z"'),
        (date(2026, 11, 23), b'"2026-11-23"'),
        (float("nan"), b"null"),
        ({State.CALLING: (1, 2)}, b'{"calling":[1,2]}'),
        (Decimal("1.50"), b'"1.50"'),
        (2**70, b"1180591620717411303424"),
    ],
)
def test_each_kind_of_value_has_its_text(value: Any, text: bytes) -> None:
    assert encode([value]) == b"[" + text + b"]"
