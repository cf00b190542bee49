from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.rules.errors import BadCursor, Unavailable
from service.web.cursors import Cursors, kind_of

SECRET = b"0123456789abcdef"
CURSORS = Cursors(SECRET)
VALUES = st.lists(st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63), st.text(max_size=20)), max_size=5)
ALPHABET = string.ascii_letters + string.digits + "-_"


@given(kind=st.text(max_size=30), values=VALUES)
def test_what_was_signed_is_read_back(kind: str, values: list[object]) -> None:
    text = CURSORS.sign(kind, values)
    assert set(text) <= set(ALPHABET)
    assert CURSORS.read(kind, text) == values


@settings(max_examples=5)
@given(values=VALUES)
def test_every_change_of_one_character_is_refused(values: list[object]) -> None:
    text = CURSORS.sign("keys", values)
    for at, old in enumerate(text):
        for new in set(ALPHABET + "=+/ \n%é") - {old}:
            with pytest.raises(BadCursor):
                CURSORS.read("keys", text[:at] + new + text[at + 1 :])


@given(text=st.text(max_size=60))
def test_text_that_is_not_ours_is_refused(text: str) -> None:
    with pytest.raises(BadCursor):
        CURSORS.read("keys", text)


@pytest.mark.parametrize("change", ["{}=", "{}A", "A{}", " {}", "{}\n", "{}%00"])
def test_another_spelling_is_refused(change: str) -> None:
    with pytest.raises(BadCursor):
        CURSORS.read("keys", change.format(CURSORS.sign("keys", [1])))


def test_another_kind_or_another_secret_is_refused() -> None:
    text = CURSORS.sign("keys", [1])
    with pytest.raises(BadCursor):
        CURSORS.read("units", text)
    with pytest.raises(BadCursor):
        Cursors(b"another secret, 0123").read("keys", text)


def test_an_over_long_cursor_is_refused() -> None:
    with pytest.raises(BadCursor):
        CURSORS.read("keys", CURSORS.sign("keys", ["x" * 2000]))


def test_other_filters_are_another_kind() -> None:
    assert kind_of("units", {"a": 1, "b": None}, "anna") == kind_of("units", {"b": None, "a": 1}, "anna")
    assert kind_of("units", {"a": 1}, "anna") != kind_of("units", {"a": 2}, "anna")
    assert kind_of("units", {"a": 1}, "anna") != kind_of("units", {"a": 1}, "bert")


def test_a_short_secret_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        Cursors(b"short")


def test_without_a_secret_nothing_is_signed_or_read() -> None:
    text, starting = CURSORS.sign("keys", [1]), Cursors()
    with pytest.raises(Unavailable):
        starting.sign("keys", [1])
    with pytest.raises(Unavailable):
        starting.read("keys", text)
    starting.use(SECRET)
    assert starting.read("keys", text) == [1]
