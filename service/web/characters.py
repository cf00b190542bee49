"""Which characters a text may hold, and how the same text is always written the same way (contract §3, "Text").

The functions raise `WrongValue`, whose sentence says what to change and names the character by its code point.
"""

from __future__ import annotations

import re
import unicodedata

from service.rules.errors import Rule
from service.rules.sentences import Sentence
from service.web.breaches import WrongValue

_MAX_MARKS = 30
"""Combining marks on one letter. No language has more (UAX #15, Stream-Safe Text Format), and ordering a run of marks
costs the square of its length."""

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_NON_CHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)
_UNSOUND = re.compile(f"[\x00-\x08\x0b-\x1f\x7f-\x9f{_BIDI}{_NON_CHARACTERS}]")
_LINE_BREAK = re.compile("[\t\n\u2028\u2029]")
_IGNORABLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""The default-ignorable code points of Unicode, and two letters that are drawn as nothing (U+2800, U+1D159)."""
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp"})
"""The categories of controls, of format characters and of blanks."""


def normal(text: object) -> object:
    """The text in NFC, with each CRLF and CR as a newline. What is no text is returned as it came."""
    if not isinstance(text, str):
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    _demand_few_marks(text)
    return unicodedata.normalize("NFC", text)


def _demand_few_marks(text: str) -> None:
    run = 0
    for each in text:
        run = run + 1 if unicodedata.combining(each) else 0
        if run > _MAX_MARKS:
            sentence = Sentence("Remove combining marks: a letter here has more than {max} of them.", max=_MAX_MARKS)
            raise WrongValue(sentence, Rule.COMBINING_MARKS, max=_MAX_MARKS)


def sound(text: str) -> str:
    """The text, when it has a visible character and none that is refused everywhere: controls but tab and newline,
    bidi controls, non-characters."""
    found = None if text.isprintable() else _UNSOUND.search(text)
    if found:
        raise _of_character(found[0])
    if not any(is_visible(each) for each in text):
        raise WrongValue(Sentence("Write something: nothing in this text can be seen."), Rule.BLANK)
    return text


def one_line(text: str) -> str:
    """The text, when it has neither a line break nor a tab."""
    found = None if text.isprintable() else _LINE_BREAK.search(text)
    if found:
        sentence = Sentence(
            "Remove the line break or tab ({character}): this is one line of text.", character=_name(found[0])
        )
        raise WrongValue(sentence, Rule.LINE_BREAK)
    return text


def identifying(text: str) -> str:
    """The text, when people who see it the same way always send the same one: no blanks at its ends, and nothing
    invisible anywhere."""
    if text.isascii() and text.isprintable() and text[0] != " " != text[-1]:
        return text
    if text != text.strip():
        sentence = Sentence("Remove the blanks at the ends: this names somebody or something.")
        raise WrongValue(sentence, Rule.BLANK_AT_END)
    for each in text:
        if unicodedata.category(each) in ("Cc", "Cf") or _IGNORABLE.match(each):
            sentence = Sentence(
                "Remove the invisible character {character}: this names somebody or something.", character=_name(each)
            )
            raise WrongValue(sentence, Rule.HIDDEN_CHARACTER)
    return text


def is_visible(character: str) -> bool:
    """Whether a character shows anything by itself: no blank, no control or format character, nothing ignorable."""
    # code points that this Unicode does not know count as visible: a newer one may have made letters of them, as it did
    # for rare characters of Chinese names
    return unicodedata.category(character) not in _UNSEEN and not _IGNORABLE.match(character)


def _of_character(character: str) -> WrongValue:
    name = _name(character)
    if re.match(f"[{_BIDI}]", character):
        sentence = Sentence("Remove {character}: it turns the direction of the text.", character=name)
        return WrongValue(sentence, Rule.HIDDEN_CHARACTER)
    if unicodedata.category(character) == "Cc":
        sentence = Sentence("Remove the control character {character}: it is no text.", character=name)
        return WrongValue(sentence, Rule.CONTROL_CHARACTER)
    return WrongValue(Sentence("Remove {character}: Unicode has no such character.", character=name), Rule.NOT_UNICODE)


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"
