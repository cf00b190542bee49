"""What of a story is to be seen in an answer, and whether it is: by hand, from the sights of contract-reach §4."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import httpx

from tests.security.matrix import table
from tests.security.matrix.people import EMPLOYEE, PARTNERS, REPORTERS, WORKER_OF_VENDOR
from tests.security.matrix.stories import POINT, Told

PSEUDONYM = re.compile("reporter-[0-9a-f]{10}")
_BETWEEN_DIGITS = re.compile(r"[\s\-+]")


def text_of(answer: httpx.Response) -> str:
    """The text of an answer; of a workbook, that of all its parts."""
    if "spreadsheetml" not in answer.headers.get("content-type", ""):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as book:
        return "\n".join(book.read(name).decode() for name in book.namelist())


def digits_of(text: str) -> str:
    """A text without what people write between the digits of a number."""
    return _BETWEEN_DIGITS.sub("", text)


def is_in(story: Told, text: str) -> bool:
    """Whether an answer tells of a story at all."""
    return story.id in text or story.number in text


def faults(who: str, story: Told, text: str) -> Iterator[str]:
    """What of a story is in an answer and not for whoever reads it, or looks otherwise than it should."""
    for value in story.contact.values():
        if value in text:
            yield "shows a contact"
    if table.sight_of(who, story.name) == "0":
        if is_in(story, text):
            yield "shows what does not exist for the reader"
        return
    if not _is_full(who, story):
        digits = digits_of(text)
        yield from (f"shows {number}" for number in story.numbers if number in digits)
        if story.source["ref"] in text:
            yield "shows the source"
    for row in _rows(text, story):
        yield from _faults_of_row(who, story, row)


def _is_full(who: str, story: Told) -> bool:
    return table.sight_of(who, story.name) == "F"


def _rows(text: str, story: Told) -> Iterator[dict[str, Any]]:
    """Every incident of a JSON answer that is the one of the story."""
    if text.startswith("{"):
        waiting = [json.loads(text)]
        while waiting:
            each = waiting.pop()
            waiting += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
            if isinstance(each, dict) and each.get("id") == story.id and "description" in each:
                yield each


def _faults_of_row(who: str, story: Told, row: dict[str, Any]) -> Iterator[str]:
    sight = table.sight_of(who, story.name)
    wanted = {
        "location": POINT if sight in "FS" else None,
        "source": story.source if sight == "F" else None,
        "confidential": story.name == "confidential",
    }
    if "contact" in row:
        masked = {"name": "欧*", "phone": f"139****{story.contact['phone'][-4:]}", "address": None}
        wanted["contact"] = masked if story.name != "confidential" or who in ("ops", "worker") else None
    yield from (f"has {name} {row[name]}" for name, value in wanted.items() if row[name] != value)
    if (story.numbers[0] in digits_of(row["description"])) != (sight == "F"):
        yield f"has the description {row['description']}"
    if not _is_name(who, story, row["reporter"]):
        yield f"names the reporter {row['reporter']}"


def _is_name(who: str, story: Told, shown: str | None) -> bool:
    """Whether the reporter goes under the right name: its own in full sight and to itself, but in confidence to ops
    alone, and never to another reporter; none to a partner; else a pseudonym."""
    own = f"vendor/{EMPLOYEE}" if story.name == "employed" else "worker"
    itself = {"worker"} if story.name != "employed" else {"vendor", WORKER_OF_VENDOR}
    if who in PARTNERS:
        return shown is None
    is_office = _is_full(who, story) and who not in REPORTERS and story.name != "confidential"
    if who == "ops" or who in itself or is_office:
        return shown == own
    return shown is not None and PSEUDONYM.fullmatch(shown) is not None
