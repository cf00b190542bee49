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
from bisect import bisect_left
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

MASK = "****"
_KEPT_AHEAD, _KEPT_BEHIND = 3, 4

_FULL_WIDTH = str.maketrans("＋Ｘｘ（）", "+Xx()")
_OTHER_DIGITS = re.compile(r"[^\D0-9]")
"""The decimal digits of every script but ASCII, full-width ones among them."""

_UNSEEN = (
    r"\s\-_\u058a\u05be\u1806\u2010-\u2015\u2212\u2e3a\u2e3b\u301c\u3030\u30a0\ufe31\ufe32\ufe58\ufe63\uff0d"  # dashes
    r"\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # nothing
    r"\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\u302a-\u302f\u3099\u309a\ufe20-\ufe2f"  # marks upon digits
)
"""Blanks, dashes, line breaks, what nobody sees, and marks upon a digit, such as keycaps and strokes: they and
parentheses may stand between any two digits of a number."""
_CHAIN = re.compile(rf"\d+(?:[{_UNSEEN}()]{{0,12}}\d+)*")
_LOOSE = rf"[{_UNSEEN}().,，、。．・·•…/\\|:：;；~～=]{{0,12}}"
_IN_PARTS = re.compile(rf"(?<!\d)1[3-9]\d{_LOOSE}\d{{4}}{_LOOSE}\d{{4}}(?!\d)")
"""A mobile number in parts of three, four and four digits, between which more may stand."""
_AREA = re.compile(r"10|2\d|[3-9]\d\d")
_LETTER = re.compile(rf"[{_UNSEEN}]{{0,12}}[Xx]")
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d(?P<one>[\s\-]|－)(?:0?[1-9]|1[0-2])(?P=one)(?:0?[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])(?P<other>[\s\-]|－)(?:0?[1-9]|1[0-2])(?P=other)(?:19|20)\d\d)(?!\d)"
)
_OPENING = re.compile(r"(?:\(\s?)?(?:\+\s?)?$")
_MASKED = re.compile(r"(?<!\d)\d{3}\*{4}\d{3}(?:\d(?!\d)|[Xx])")
_ALONE = re.compile(r"(?<![0-9A-Fa-f])(?:1[3-9]\d{9}|[1-9]\d{16}[\dXx]|[1-9]\d{14})(?![0-9A-Fa-f])")

_FEWEST_DIGITS, _MAX_OPENING = 10, 4
_MOBILE, _IDENTITY, _OLD_IDENTITY = 11, 18, 15
"""How many characters these numbers have."""
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
    parts, behind = [], 0
    for start, end, number in _found(_plain(text)):
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
    return any(_is_a_persons_number(part) for part in parts)


def _is_a_persons_number(part: str) -> bool:
    chain = _CHAIN.search(part)
    if chain is None:
        return False
    digits = _Digits(part, chain.start(), chain.end())
    found = (*digits.identities(0), *digits.mobiles(0))
    return any(each.start == 0 and each.end == len(part) for each in found)


def _plain(text: str) -> str:
    """The text with ASCII digits, plus signs and parentheses, each character in its place."""
    if text.isascii():
        return text
    return _OTHER_DIGITS.sub(lambda found: str(unicodedata.decimal(found[0])), text.translate(_FULL_WIDTH))


class _Number(NamedTuple):
    """Where a person's number stands in a text, from and until, and its digits."""

    start: int
    end: int
    digits: str


def _found(plain: str) -> Iterator[_Number]:
    """Every person's number in a text, in order. Where two overlap, nobody can tell which is meant, and they are taken
    for one. What is masked already is no part of any other."""
    if len(plain) < _FEWEST_DIGITS:
        return
    last: _Number | None = None
    for each in sorted(_all(plain)):
        if last is None or each.start >= last.end:
            if last is not None:
                yield last
            last = each
        elif each.end > last.end:
            last = _Number(last.start, each.end, last.digits[:_KEPT_AHEAD] + each.digits)
    if last is not None:
        yield last


def _all(plain: str) -> Iterator[_Number]:
    begin = 0
    for known in _MASKED.finditer(plain):
        yield from _all_between(plain, begin, known.start())
        begin = known.end()
    yield from _all_between(plain, begin, len(plain))


def _all_between(plain: str, begin: int, end: int) -> Iterator[_Number]:
    for chain in _CHAIN.finditer(plain, begin, end):
        if chain.end() - chain.start() >= _FEWEST_DIGITS:
            digits = _Digits(plain, chain.start(), chain.end(), begin, end)
            for first in digits.firsts:
                yield from digits.identities(first)
                yield from digits.mobiles(first)
                yield from digits.landlines(first)
    for match in _IN_PARTS.finditer(plain, begin, end):
        if not _DATE.search(match[0]):
            yield _Number(match.start(), match.end(), re.sub(r"\D", "", match[0]))


class _Digits:
    """The digits of a stretch of text in which nothing else stands between them than what may stand inside a number.
    Every number begins with the first digit of a group and ends with the last one of a group."""

    def __init__(self, plain: str, start: int, end: int, begin: int = 0, stop: int | None = None) -> None:
        self._plain, self._begin, self._stop = plain, begin, len(plain) if stop is None else stop
        groups = [(each.start(), each[0]) for each in re.finditer(r"\d+", plain[start:end])]
        self._text = "".join(group for _, group in groups)
        self._places = [start + at + n for at, group in groups for n in range(len(group))]
        self._dates = [each.span() for each in _DATE.finditer(plain, start, end)]
        self.firsts: list[int] = []
        self._lasts: set[int] = set()
        count = 0
        for _, group in groups:
            self.firsts.append(count)
            count += len(group)
            self._lasts.add(count)

    def identities(self, first: int) -> Iterator[_Number]:
        """The identity numbers, of today and of before 1999, that begin with a digit."""
        text, whole = self._text, first + _IDENTITY
        if whole in self._lasts and _is_identity(text[first:whole]):
            yield self._number(first, whole, first)
        if whole - 1 in self._lasts and _is_identity(f"{text[first : whole - 1]}X"):
            letter = _LETTER.match(self._plain, self._places[whole - 2] + 1, self._stop)
            if letter is not None:
                yield _Number(self._start_of(first), letter.end(), f"{text[first : whole - 1]}X")
        old = first + _OLD_IDENTITY
        if old in self._lasts and _is_old_identity(text[first:old]):
            yield self._number(first, old, first)

    def mobiles(self, first: int) -> Iterator[_Number]:
        """The mobile numbers that begin with a digit: with the country, with a zero or bare."""
        for ahead in ("", "86", "0086", "0"):
            begin = first + len(ahead)
            last = begin + _MOBILE
            if last in self._lasts and self._text.startswith(f"{ahead}1", first) and self._text[begin + 1] in "3456789":
                yield from self._undated(first, last, begin)

    def landlines(self, first: int) -> Iterator[_Number]:
        """The landlines that begin with a digit: with a zero ahead of the area code, or with the country. Without a
        plus, zeros or a gap, 86 is no country but the beginning of any long code."""
        text = self._text
        if text.startswith("0086", first):
            yield from self._local(first, first + 4)
        elif text.startswith("86", first):
            if first + 2 in self._lasts or self._plain[self._places[first] - 1 : self._places[first]] == "+":
                yield from self._local(first, first + 2)
        elif text.startswith("0", first):
            yield from self._local(first, first + 1)

    def _local(self, first: int, begin: int) -> Iterator[_Number]:
        area = _AREA.match(self._text, begin + self._text.startswith("0", begin))
        for length in (8, 7) if area else ():
            last = area.end() + length if area else 0
            if last in self._lasts:
                yield from self._undated(first, last, area.start() if area else 0, "0")

    def _undated(self, first: int, last: int, begin: int, ahead: str = "") -> Iterator[_Number]:
        found = self._number(first, last, begin, ahead)
        date_in_it = bisect_left(self._dates, (found.start, 0))
        if date_in_it == len(self._dates) or self._dates[date_in_it][1] > found.end:
            yield found

    def _number(self, first: int, last: int, begin: int, ahead: str = "") -> _Number:
        """The number of the digits from `begin` to `last`, in the place of those from `first` on."""
        until = self._places[last - 1] + 1
        start = self._start_of(first)
        if self._plain[start] == "(" and ")" not in self._plain[start:until]:
            start += 1
        return _Number(start, until, f"{ahead}{self._text[begin:last]}")

    def _start_of(self, first: int) -> int:
        """Where a number begins, with the plus and the parenthesis ahead of its first digit."""
        at = self._places[first]
        ahead = self._plain[max(self._begin, at - _MAX_OPENING) : at]
        opening = _OPENING.search(ahead)
        return at - len(opening[0]) if opening else at


def _is_identity(number: str) -> bool:
    """Whether eighteen characters are an identity number: a day of birth, and the check digit of GB 11643."""
    if number[0] == "0" or number[6:8] not in ("18", "19", "20") or not _is_day(number[6:10], number[10:14]):
        return False
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, number, strict=False))
    return _CHECKS[total % 11] == number[-1]


def _is_old_identity(number: str) -> bool:
    """Whether fifteen digits are an identity number of before 1999: a province, and a day of birth."""
    if number[:2] not in _PROVINCES or int(number[6:8]) < _OLDEST_BIRTH:
        return False
    return _is_day(f"19{number[6:8]}", number[8:12])


def _is_day(year: str, day: str) -> bool:
    try:
        date(int(year), int(day[:2]), int(day[2:]))
    except ValueError:
        return False
    return True
