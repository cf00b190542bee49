"""Numbers, names and addresses of persons who do not exist, made from a seed, and the search for them in an answer."""

from __future__ import annotations

import io
import random
import re
import unicodedata
import zipfile
from html import unescape

import httpx

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_SURNAMES, _GIVEN = "赵钱孙李周吴", "璘璟瓛瓘玥琎琚珺瑄瑭"
_NAME = re.compile(rf"[{_SURNAMES}][{_GIVEN}]{{2}}")
_ADDRESS = re.compile(r"暗巷\d+号\d+室")
_ESCAPES = re.compile(r"\\[nrt]|\\u[0-9a-f]{4}")
_BETWEEN = re.compile(r"[\s\-–.()\u00ad\u200b\u20e3\ufe0f+]+")
_DIGITS = re.compile(r"\d{10,}[Xx]?")
_LENGTHS = (10, 11, 12, 15, 18)


class Persons:
    """Makes persons' data: `count` says how much there is of it so far."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._numbers: set[str] = set()
        self.count = 0

    def number(self) -> str:
        """A new mobile, landline or identity number, in one of the writings of tests/rules/test_masking.py."""
        make = self._random.choice((self._mobile, self._mobile, self._landline, self._identity))
        number = make()
        while number in self._numbers:
            number = make()
        self._numbers.add(number)
        self.count += 1
        return self._written(number)

    def _mobile(self) -> str:
        return f"1{self._random.randint(3, 9)}{self._random.randrange(10**9):09d}"

    def _landline(self) -> str:
        return f"{self._random.choice(('020', '0755', '021'))}{self._random.randrange(2 * 10**7, 9 * 10**7)}"

    def _identity(self) -> str:
        day = f"{self._random.randint(1930, 2010)}{self._random.randint(1, 12):02d}{self._random.randint(1, 28):02d}"
        body = f"44010{self._random.randint(1, 9)}{day}{self._random.randrange(1000):03d}"
        return body + _check_of(body)

    def _written(self, number: str) -> str:
        country = "+86" if number[0] == "0" else ""
        first = 3 if number[0] == "1" else len(number) - 8
        rest = number[first + 4 :]
        writings = [
            number,
            f"{number[:first]}-{number[first : first + 4]}-{rest}",
            f"{number[:first]} {number[first : first + 4]} {rest}",
            f"{number[:first]}\n    {number[first : first + 4]}{rest}",
            f"{number[:first]}\u200b{number[first : first + 4]}\u00ad{rest}",
            "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in number),
            f"tel{number}abc" if number[-1] != "X" else f"证{number}",
        ]
        if len(number) == 11 and number[0] == "1":
            writings += [f"+86{number}", f"0086 {number}", f"(+86){number}", f"0{number}", " ".join(number)]
        return self._random.choice(writings) if not country else self._random.choice(writings[:4])

    def contact(self) -> dict[str, str]:
        """A person to ask: a name, a mobile number and an address."""
        given = "".join(self._random.choices(_GIVEN, k=2))
        phone = self._mobile()
        self._numbers.add(phone)
        self.count += 3
        address = f"暗巷{self.count}号{self._random.randint(101, 2904)}室"
        return {"name": f"{self._random.choice(_SURNAMES)}{given}", "phone": phone, "address": address}

    def found_in(self, answer: httpx.Response) -> set[str]:
        """Everything planted that the bytes of an answer hold, however it is written there."""
        text = unicodedata.normalize("NFKC", _ESCAPES.sub(" ", _text(answer)))
        found = {each[0] for pattern in (_NAME, _ADDRESS) for each in pattern.finditer(text)}
        for run in _DIGITS.findall(_BETWEEN.sub("", text)):
            found |= {run[at : at + n] for n in _LENGTHS for at in range(len(run) - n + 1)} & self._numbers
        return found


def is_identity(number: str) -> bool:
    """Whether eighteen characters, the last one a digit or an X, are an identity number by their check character."""
    return _check_of(number[:-1]) == number[-1]


def _check_of(body: str) -> str:
    """The check character (GB 11643-1999) of seventeen digits."""
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(body, _WEIGHTS, strict=True)) % 11]


def _text(answer: httpx.Response) -> str:
    if "spreadsheetml" not in answer.headers.get("content-type", ""):
        return answer.content.decode()
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        return unescape("\n".join(book.read(name).decode() for name in book.namelist()))
