"""The text of an event: what people wrote, and who acted. It lies beside the log, so that it can be erased one day.

The log keeps the SHA-256 of each text instead, so that everybody can prove that a text is the one of then:

text      a JSON object. It has `note`, the words of whoever acted, and `subject`, who that was; that of
          `sihu.incident.reported` has `description`, `location`, `occurred_at` and `source` of the report as well.
          What there is none of is left out
salt      16 random bytes, which lie beside the text and go with it: nobody can find an erased text by guessing. The
          two events that each report writes have one salt, since their texts lie in the report
hash      SHA-256 of the salt, followed by the text in its canonical form (RFC 8785) as UTF-8

An event that has no words and no person, as most of the clock's, has no text and no hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import rfc8785

from service.rules.words import EventType

SALT_BYTES = 16

Text = Mapping[str, Any]
"""A JSON object; an empty one is no text."""


class Words(NamedTuple):
    """What lies beside an event: the words of whoever acted, and who that was."""

    note: str | None = None
    subject: str | None = None


WORDLESS = Words()


class Parted(NamedTuple):
    """The data of an event without words and person, and these apart."""

    data: Mapping[str, Any]
    words: Words


def is_of_report(event_type: EventType, sequence: int) -> bool:
    """Whether an event is one of the two that each report writes: that it was reported, and that its first call was
    opened, which is the third event where a level was skipped. Whoever reported did both, and stands in the report."""
    return event_type == EventType.INCIDENT_REPORTED or (event_type == EventType.CALL_OPENED and sequence <= 3)


def of_act(words: Words) -> Text:
    """The text of an act, from its words and from who acted."""
    return {name: value for name, value in words._asdict().items() if value is not None}


def of_report(
    *,
    description: str,
    location: Mapping[str, Any] | None,
    occurred_at: datetime | None,
    source: tuple[str, str] | None,
) -> Text:
    """The text of a report, without who reported. `location` is as it was sent; `source` is a system and its
    reference."""
    found = {
        "description": description,
        "location": location and dict(location),
        "occurred_at": occurred_at and _as_text(occurred_at),
        "source": source and list(source),
    }
    return {name: value for name, value in found.items() if value is not None}


def _as_text(moment: datetime) -> str:
    """A moment in UTC with six decimals, such as 2026-11-23T01:00:00.000000Z."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def digest(salt: bytes, text: Text) -> bytes:
    """The hash of a text."""
    return hashlib.sha256(salt + rfc8785.dumps(text)).digest()


def is_old(data: Mapping[str, Any]) -> bool:
    """Whether the data of an event is of the form from before: with the words, and with the person in `by`."""
    return "note" in data or "subject" in data["by"]


def parted(event_type: EventType, data: Mapping[str, Any]) -> Parted:
    """The data of an event of an incident without words and person, and these apart.

    Data in today's form is given back as it is. Before, it had a `note`; that of a warning was the percent of its mark,
    which is no word of anybody: today it is the fact `mark`.
    """
    if not is_old(data):
        return Parted(data, WORDLESS)
    note, by = data.get("note"), data["by"]
    thin = {name: value for name, value in data.items() if name != "note"}
    thin["by"] = {name: value for name, value in by.items() if name != "subject"}
    if event_type == EventType.CALL_WARNED and note is not None:
        thin["mark"], note = int(note), None
    return Parted(thin, Words(note, by.get("subject")))
