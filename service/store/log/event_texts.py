"""The texts of new events: their hashes, which the log keeps, and the rows that lie beside it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from service.rules import texts
from service.rules.decisions import Event
from service.rules.texts import SALT_BYTES, WORDLESS, Text, Words
from service.rules.words import EventType
from service.store import bulk
from service.store.bulk import PageColumns


class ReportText(NamedTuple):
    """What the row of a report has of the texts of its events: the report itself, who sent it, and their salt."""

    text: Text
    subject: str
    salt: bytes


class TextPage(NamedTuple):
    """The hashes of events in their order, None where there is no text, and the new rows of `event_text`."""

    hashes: list[bytes | None]
    rows: PageColumns


class HashedText(NamedTuple):
    """The hash of a text, its salt, and what of it is to lie in `event_text`; None: all of it is in the report."""

    sha256: bytes
    salt: bytes
    beside: Words | None


def new_salt() -> bytes:
    """Return the salt of one text."""
    return os.urandom(SALT_BYTES)


def text_page(events: Sequence[Event], reported: Mapping[UUID, ReportText]) -> TextPage:
    """Return the hashes and the rows of these events. `reported` has the texts of new reports, by incident."""
    hashes: list[bytes | None] = []
    rows: list[Mapping[str, Any]] = []
    for event in events:
        words = Words(event.note, event.by.subject)
        if words == WORDLESS:
            hashes.append(None)
            continue
        found = hashed(words, event.type, event.sequence, reported.get(event.at_state.id))
        hashes.append(found.sha256)
        if found.beside:
            rows.append(row(event.at_state.id, event.sequence, found.beside, found.salt))
    return TextPage(hashes, bulk.columns_of(rows))


def row(incident_id: UUID, sequence: int, words: Words, salt: bytes) -> Mapping[str, Any]:
    """Return a row of `event_text`."""
    return {"incident_id": incident_id, "sequence": sequence, **words._asdict(), "salt": salt}


def hashed(words: Words, event_type: EventType, sequence: int, report: ReportText | None) -> HashedText:
    """Return the hash of the text of an event. `report` is that of its incident, if it may be one of its first
    events; only where somebody else reported than has sent it, a row is needed beside it."""
    text = texts.of_act(words)
    if report is None or not texts.is_of_report(event_type, sequence):
        salt = new_salt()
        return HashedText(texts.digest(salt, text), salt, words)
    if event_type == EventType.INCIDENT_REPORTED:
        text = {**report.text, **text}
    is_in_report = words == Words(subject=report.subject)
    return HashedText(texts.digest(report.salt, text), report.salt, None if is_in_report else words)
