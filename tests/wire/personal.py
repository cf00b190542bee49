"""What a test has sent of persons, and the search for it in the bytes of every answer that the test receives.

Two things are never wrong wherever they are found, whatever the test is about:

contacts   the phone and the address in a report's `contact` are in no answer but that of a reveal;
numbers    the mobile and identity numbers that people wrote in their words are in no answer to an auditor or to
           security, who have full sight of nothing.

Left out, because finding it would prove nothing: a contact's name, which others bear and workers go under; a phone or
an address that is too short to stand for anybody; all but the last `MOST` of a test that sends thousands, which
tests/security/test_planted.py looks for by itself; numbers in answers to reporters, units and ops, who may have full
sight of some incident; what is read by a session or a token, or from a server whose keys are not known here.
tests/security/matrix knows who may see what, and looks there.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import httpx

from service.rules.words import Role
from tests.security.planted import is_identity

REPORTS = "/v1/incidents"
REVEAL = "/reveal"
"""How the one path ends whose answers hold a contact. They hold the words of the incident as well."""
NEVER_FULL = frozenset({Role.AUDITOR, Role.SECURITY})
WORDS = frozenset({"comment", "contact", "description", "measure", "message", "reason", "result", "text"})
"""The members of a body in which people write what they like. `contact` is one where a call is answered."""
MIN_ADDRESS, MIN_PHONE = 8, 10
"""The fewest characters of an address and digits of a phone that are not found in anything else."""
MOST = 20
_LIKE_A_NUMBER = re.compile(rb"\d{11}")
_NUMBER = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|[1-9]\d{16}[\dX])(?!\d)", re.ASCII)
_WORKBOOK = "spreadsheetml"


class SentPersons:
    """What was sent of persons since the test began: contacts, and `numbers` in words. Each is kept with the bytes by
    which it is known."""

    def __init__(self) -> None:
        self._contacts: dict[str, set[bytes]] = {}
        self.numbers: dict[str, set[bytes]] = {}

    def forget(self) -> None:
        """Another test begins, with people of its own."""
        self._contacts.clear()
        self.numbers.clear()

    def note(self, path: str, content: bytes) -> None:
        """Keep what the body of a request says of persons. Of most there is nothing to keep, and they are not read."""
        if path.startswith(REPORTS) and (b'"contact"' in content or _LIKE_A_NUMBER.search(content)):
            try:
                body = json.loads(content)
            except ValueError:
                return
            for each in _objects(body):
                self._note(each)

    def _note(self, body: Mapping[str, Any]) -> None:
        contact = body.get("contact")
        if isinstance(contact, dict):
            _keep(self._contacts, _forms(contact))
        words = [body[name] for name in WORDS & body.keys() if isinstance(body[name], str)]
        numbers = [found[0] for each in words for found in _NUMBER.finditer(each)]
        _keep(self.numbers, (each for each in numbers if len(each) == 11 or is_identity(each)))

    def leaks(self, path: str, role: Role | None, answer: httpx.Response) -> list[str]:
        """What an answer, which was read to its end, holds and nobody may read there, one sentence a thing. `role`:
        that of whoever asked, where it is known."""
        if not (self._contacts or self.numbers) or (path.endswith(REVEAL) and answer.is_success):
            return []
        content = _unpacked(answer.content) if _WORKBOOK in answer.headers.get("content-type", "") else answer.content
        found = [f"shows of a contact: {each}" for each in _in(content, self._contacts)]
        if role in NEVER_FULL:
            found += [f"shows to {role}: {each}" for each in _in(content, self.numbers)]
        return found


def _objects(body: Any) -> Iterator[Mapping[str, Any]]:
    """The body of a report or an act, or those of a batch."""
    if isinstance(body, dict):
        items = body.get("items")
        yield from (each for each in (body, *(items if isinstance(items, list) else ())) if isinstance(each, dict))


def _forms(contact: Mapping[str, Any]) -> Iterator[str]:
    """A phone as it was written and by its digits alone, and an address."""
    phone, address = contact.get("phone"), contact.get("address")
    if isinstance(phone, str) and len(digits := re.sub(r"\D", "", phone)) >= MIN_PHONE:
        yield from (phone, digits)
    if isinstance(address, str) and len(address) >= MIN_ADDRESS:
        yield address


def _keep(known: dict[str, set[bytes]], values: Iterable[str]) -> None:
    """Add values with the bytes by which they are known, in JSON with and without escapes."""
    for each in values:
        known[each] = {each.encode(errors="replace"), json.dumps(each)[1:-1].encode()}
    for old in list(known)[:-MOST]:
        del known[old]


def _in(content: bytes, known: Mapping[str, set[bytes]]) -> list[str]:
    return [value for value, forms in known.items() if any(form in content for form in forms)]


def _unpacked(book: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        return b"\n".join(parts.read(name) for name in parts.namelist())
