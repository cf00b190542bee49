"""Which characters text, one-line text and identifiers may hold, and how they are written."""

from __future__ import annotations

import time
import unicodedata
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from service.web import text

WORDS = TypeAdapter[str](Annotated[str, *text.words(40)])
LINE = TypeAdapter[str](Annotated[str, *text.one_line(40)])
NAME = TypeAdapter[str](Annotated[str, *text.identifier(40)])
ALL = (WORDS, LINE, NAME)

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"  # three people, joined
HEART = "\u2764\ufe0f"

CONTROLS = [*range(0x00, 0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)]
BIDI = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
NON_CHARACTERS = [0xFDD0, 0xFDEF, 0xFFFE, 0xFFFF, 0x1FFFE, 0x2FFFF, 0xFFFFE, 0x10FFFF]
BLANKS = [0x20, 0xA0, 0x1680, 0x2003, 0x202F, 0x205F, 0x3000]
LINE_BREAKS = [0x09, 0x0A, 0x0D, 0x85, 0x2028, 0x2029]
INVISIBLE = [0x00AD, 0x034F, 0x115F, 0x1160, 0x17B4, 0x180B, 0x180E, 0x180F, 0x200B, 0x200C, 0x200D, 0x2060, 0x2064]
INVISIBLE += [0x206A, 0x2800, 0x3164, 0xFE00, 0xFE0F, 0xFEFF, 0xFFA0, 0xFFF9, 0x1D173, 0xE0001, 0xE0020, 0xE0100]


def refuses(kind: TypeAdapter[str], written: str) -> bool:
    try:
        kind.validate_python(written)
    except ValidationError:
        return True
    return False


def named(points: list[int]) -> list[Any]:
    return [pytest.param(chr(each), id=f"U+{each:04X}") for each in points]


@pytest.mark.clause("ASVS 1.3.3")
@pytest.mark.parametrize("character", named(CONTROLS + BIDI + NON_CHARACTERS))
def test_controls_and_non_characters_are_refused_everywhere(character: str) -> None:
    for kind in ALL:
        with pytest.raises(ValidationError, match=rf"U\+{ord(character):04X}"):
            kind.validate_python(f"巷口{character}垃圾")


@pytest.mark.parametrize("character", named(INVISIBLE + BLANKS + LINE_BREAKS))
def test_text_in_which_nothing_can_be_seen_is_refused(character: str) -> None:
    for kind in ALL:
        assert refuses(kind, character)
        assert refuses(kind, f" {character * 3}\u3000\u200b")


@pytest.mark.parametrize("character", named([0xE000, 0x0378, 0x31350]))
def test_what_this_unicode_does_not_know_counts_as_visible(character: str) -> None:
    """Private and unassigned code points: rare characters of names are among them until a newer Unicode has them."""
    for kind in ALL:
        assert kind.validate_python(character) == character


@pytest.mark.parametrize("character", named(LINE_BREAKS))
def test_one_line_has_no_line_break_and_no_tab(character: str) -> None:
    for written in (f"巷口{character}垃圾", f"巷口{character}", f"{character}垃圾"):
        assert refuses(LINE, written)
        assert refuses(NAME, written)
    assert refuses(WORDS, f"巷口{character}垃圾") is (character == "\x85")


@pytest.mark.parametrize("character", named(BLANKS))
def test_an_identifier_has_no_blanks_at_its_ends(character: str) -> None:
    for written in (f"{character}r1", f"r1{character}", f"张三{character}"):
        assert refuses(NAME, written)
        assert LINE.validate_python(written) == written
    assert NAME.validate_python(f"r{character}1") == f"r{character}1"


@pytest.mark.clause("ASVS 1.3.3")
@pytest.mark.parametrize("character", named(INVISIBLE))
def test_an_identifier_has_nothing_invisible_anywhere(character: str) -> None:
    for written in (f"{character}r1", f"r{character}1", f"张三{character}"):
        assert refuses(NAME, written)
        assert LINE.validate_python(written) == written


@pytest.mark.parametrize("written", ["a\ud800", "\udfff", "\ud800\udc00"])
def test_half_a_surrogate_pair_is_refused(written: str) -> None:
    assert all(refuses(kind, written) for kind in ALL)


@pytest.mark.clause("ASVS 1.1.1")
@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("cafe\u0301", "caf\u00e9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\u212b", "\u00c5"),
        ("Tie\u0302\u0301ng Vie\u0323\u0302t", "Ti\u1ebfng Vi\u1ec7t"),
        ("a\r\nb\rc\n\rd", "a\nb\nc\n\nd"),
        (f"好{FAMILY}{HEART}\t。\n完", f"好{FAMILY}{HEART}\t。\n完"),
        (" 张三 ", " 张三 "),
        ("\U00020000\ue000", "\U00020000\ue000"),
    ],
)
def test_text_is_kept_in_its_normal_form(written: str, kept: str) -> None:
    assert WORDS.validate_python(written) == kept


def test_length_counts_code_points_of_the_normal_form() -> None:
    letters = "e\u0301" * 40
    assert WORDS.validate_python(letters) == "\u00e9" * 40
    assert WORDS.validate_python("\U0001f6b0" * 40) == "\U0001f6b0" * 40
    assert WORDS.validate_python("\r\n" * 38 + "ok") == "\n" * 38 + "ok"
    assert refuses(WORDS, letters + "e\u0301")


def test_a_letter_under_a_thousand_marks_is_refused_at_once() -> None:
    began = time.perf_counter()
    for _ in range(20):
        assert refuses(WORDS, "a" + "\u0301\u0323" * 30_000)
    assert time.perf_counter() - began < 1
    assert not refuses(WORDS, "a" + "\u0323\u0301" * 15)


@given(st.text(max_size=12))
def test_what_is_kept_is_normal_and_stays_as_it_is(written: str) -> None:
    for kind in ALL:
        try:
            kept = kind.validate_python(written)
        except ValidationError:
            continue
        assert unicodedata.is_normalized("NFC", kept)
        assert kind.validate_python(kept) == kept
