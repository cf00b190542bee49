"""Hides a person's numbers and names in text: the one rule of masking (contract-reach §4, "Sights").

A mobile number, a landline with its area code and an identity number keep their first three and last four characters:
`138****0000`. They are found in whatever way people write them: with +86 or 0086, with blanks, dashes or a line break
between the digits, in full-width digits, beside letters or Chinese characters. Other numbers stay as they are: what has
too many or too few digits, an identity number with a wrong check digit (GB 11643-1999), a date.

A number that could be both, such as a work order of eleven digits that begins with 138, is masked: a hidden order
can be asked for, a published phone cannot be called back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import date

MASK = "****"
_KEPT_AHEAD, _KEPT_BEHIND = 3, 4

_FULL_WIDTH = str.maketrans("＋Ｘｘ（）", "+Xx()")
_OTHER_DIGITS = re.compile(r"[^\D0-9]")
"""The decimal digits of every script but ASCII, full-width ones among them."""

_BETWEEN = r"[\s\-\u00ad\u180e\u200b-\u200d\u2010-\u2015\u2060\u2212\ufe0f\u20e3\ufeff\uff0d_]{0,12}"
"""What may stand between two digits of one number: blanks, dashes, line breaks and what nobody sees."""
_LOOSE = r"[\s\-\u00ad\u180e\u200b-\u200d\u2010-\u2015\u2060\u2212\ufe0f\u20e3\ufeff\uff0d_.,，、·•/\\|:：~()]{0,12}"
"""What may stand between the parts of a mobile number of three, four and four digits."""


def _spaced(*digits: str) -> str:
    """The pattern of digits in this order, whatever stands between them."""
    return _BETWEEN.join(digits)


_OPENING = r"(?:\(\s?)?(?:\+\s?)?"
_COUNTRY = rf"(?:(?:{_spaced('0', '0')}{_BETWEEN})?{_spaced('8', '6')}{_BETWEEN}\)?{_BETWEEN}|0{_BETWEEN})?"
_AREA = "(?:" + "|".join((_spaced("1", "0"), _spaced("2", r"\d"), _spaced("[3-9]", r"\d", r"\d"))) + ")"
# without a zero ahead of the area code, only a country code that cannot be anything else makes it a landline
_ABROAD = rf"(?:(?:\+\s?|{_spaced('0', '0')}{_BETWEEN}){_spaced('8', '6')}|86(?=[\s\-)]))[\s\-)]{{0,4}}0?"

_LAST = r"(?:\d(?!\d)|[Xx])"
_START = re.compile(r"(?<!\d)(?:\(\s?)?(?:\+\s?)?\d")
_RUN = re.compile(r"\D*\d+")
_IDENTITY = re.compile(rf"{_OPENING}(?P<number>{_spaced('[1-9]', *['[0-9]'] * 16, _LAST)})")
_OLD_IDENTITY = re.compile(rf"{_OPENING}(?P<number>{_spaced('[1-9]', *['[0-9]'] * 14)})(?!\d)")
_MOBILE = re.compile(rf"{_OPENING}{_COUNTRY}(?P<number>{_spaced('1', '[3-9]', *['[0-9]'] * 9)})(?!\d)")
_MOBILE_IN_PARTS = re.compile(
    rf"{_OPENING}{_COUNTRY}(?P<number>1[3-9]\d{_LOOSE}\d\d\d\d{_LOOSE}\d\d\d\d)(?!\d)",
)
_LANDLINES = tuple(
    re.compile(
        rf"{_OPENING}(?P<number>0{_BETWEEN}{_AREA}{_BETWEEN}\)?{_BETWEEN}{local})(?!\d)"
        rf"|(?:\(\s?)?{_ABROAD}(?P<abroad>{_AREA}{_BETWEEN}\)?{_BETWEEN}{local})(?!\d)"
    )
    for local in (_spaced(*[r"\d"] * 8), _spaced(*[r"\d"] * 7))
)
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d(?P<one>[\s\-]|－)(?:0?[1-9]|1[0-2])(?P=one)(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])(?P<other>[\s\-]|－)(?:0?[1-9]|1[0-2])(?P=other)(?:19|20)\d\d)(?!\d)"
)
_MASKED = re.compile(r"(?<!\d)\d{3}\*{4}\d{3}" + _LAST)
_NO_NUMBER = re.compile(r"[^0-9Xx]")
_ALONE = re.compile(r"(?<![0-9A-Za-z])(?:1[3-9]\d{9}|[1-9]\d{16}[\dXx]|[1-9]\d{14})(?![0-9A-Za-z])")

_FEWEST_DIGITS = 10
_MAX_LENGTH = 18 * 13
"""How many characters one number may take: its digits, each with what stands ahead of it."""
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_PROVINCES = frozenset(
    str(code)
    for codes in ((11, 16), (21, 24), (31, 38), (41, 47), (50, 55), (61, 66), (71, 72), (81, 83))
    for code in range(*codes)
)
_OLDEST_BIRTH = 25
"""The two-digit year from which a number of fifteen digits can be an identity number: they were given out from 1984 to
1999, and grid codes are as long."""


def masked(text: str) -> str:
    """The text with every person's number in it hidden; a text without any comes back as it is. Masking twice changes
    nothing more. The time that it takes grows with the length of the text alone."""
    plain = _plain(text)
    if sum(map(plain.count, "0123456789")) < _FEWEST_DIGITS:
        return text
    parts, behind = [], 0
    for start, end, number in _found(plain):
        parts += [text[behind:start], f"{number[:_KEPT_AHEAD]}{MASK}{number[-_KEPT_BEHIND:]}"]
        behind = end
    return "".join((*parts, text[behind:])) if parts else text


def masked_name(name: str) -> str:
    """The name of a person without all but its first character: `张*`. Of a name of one character nothing is left."""
    first = name.strip()[:1]
    return f"{first}*" if len(name.strip()) > 1 else "*" if first else ""


def looks_like_a_persons_number(text: str) -> bool:
    """Whether a name for somebody is a mobile or identity number, or has one in it as a part by itself. Digits among
    letters, as in a random name, are none."""
    plain = _plain(text).strip()
    parts = (plain, *(each[0] for each in _ALONE.finditer(plain)))
    return any(here[1] == len(part) for part in parts for here in _numbers_of_persons(part))


def _numbers_of_persons(part: str) -> Iterator[_Found]:
    yield from _identities(part, 0, len(part))
    yield from _mobiles(part, 0, len(part))


def _plain(text: str) -> str:
    """The text with ASCII digits, plus signs and parentheses, each character in its place."""
    if text.isascii():
        return text
    return _OTHER_DIGITS.sub(lambda found: str(unicodedata.decimal(found[0])), text.translate(_FULL_WIDTH))


_Found = tuple[int, int, str]
"""Where a person's number stands in a text, from and until, and its digits."""


def _found(plain: str) -> Iterator[_Found]:
    """Every person's number in a text, in order. What is masked already is no part of any other."""
    begin = 0
    for known in _MASKED.finditer(plain):
        yield from _found_between(plain, begin, known.start())
        begin = known.end()
    yield from _found_between(plain, begin, len(plain))


def _found_between(plain: str, begin: int, end: int) -> Iterator[_Found]:
    while start := _START.search(plain, begin, end):
        here = _number_at(plain, start.start(), end)
        if here is None:
            run = _RUN.match(plain, start.start(), end)
            begin = run.end() if run else end
        else:
            yield here
            begin = here[1]


def _number_at(plain: str, at: int, end: int) -> _Found | None:
    """The person's number that begins at a place. Where a mobile number begins inside it and goes on behind it, nobody
    can tell which of the two is meant, and they are taken for one."""
    here = next(_all_at(plain, at, end), None)
    while here is not None and (longer := _overlapping(plain, here, end)) is not None:
        here = here[0], longer[1], here[2][:_KEPT_AHEAD] + longer[2]
    return here


def _all_at(plain: str, at: int, end: int) -> Iterator[_Found]:
    """Whatever may be a person's number that begins at a place: the longest first."""
    yield from _identities(plain, at, end)
    yield from _mobiles(plain, at, end)
    for pattern in _LANDLINES:
        match = pattern.match(plain, at, end)
        if match is not None and not _DATE.search(match[0]):
            yield _place(match, match["number"] or f"0{match['abroad']}")


def _identities(plain: str, at: int, end: int) -> Iterator[_Found]:
    for pattern, holds in ((_IDENTITY, _is_identity), (_OLD_IDENTITY, _is_old_identity)):
        match = pattern.match(plain, at, end)
        if match is not None and holds((here := _place(match, match["number"]))[2]):
            yield here


def _mobiles(plain: str, at: int, end: int) -> Iterator[_Found]:
    match = _MOBILE.match(plain, at, end) or _MOBILE_IN_PARTS.match(plain, at, end)
    if match is not None and not _DATE.search(match[0]):
        yield _place(match, match["number"])


def _overlapping(plain: str, here: _Found, end: int) -> _Found | None:
    """The first mobile number that begins inside the last digits of another number and goes on behind it."""
    first, until = max(here[0], here[1] - _MAX_LENGTH), here[1]
    run = _RUN.match(plain, first, until)
    inner = _START.finditer(plain, run.end() if run else until, until)
    found = (other for each in inner for other in _mobiles(plain, each.start(), end))
    return next((other for other in found if other[1] > until), None)


def _place(match: re.Match[str], number: str) -> _Found:
    """The place of a match, without a parenthesis that is opened in it and not closed."""
    is_open = match[0].startswith("(") and ")" not in match[0]
    return match.start() + is_open, match.end(), _NO_NUMBER.sub("", number).upper()


def _is_identity(number: str) -> bool:
    """Whether eighteen characters are an identity number: a day of birth, and the check digit of GB 11643."""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    is_day = number[6:8] in ("18", "19", "20") and _is_day(number[6:10], number[10:14])
    return is_day and _CHECKS[total % 11] == number[-1]


def _is_old_identity(number: str) -> bool:
    """Whether fifteen digits are an identity number of before 1999: a province, and a day of birth."""
    is_day = int(number[6:8]) >= _OLDEST_BIRTH and _is_day(f"19{number[6:8]}", number[8:12])
    return number[:2] in _PROVINCES and is_day


def _is_day(year: str, day: str) -> bool:
    try:
        date(int(year), int(day[:2]), int(day[2:]))
    except ValueError:
        return False
    return True
