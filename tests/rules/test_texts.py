"""The text of an event: its hash, which anybody can make again, and what was in the data of events before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from service.rules import texts
from service.rules.texts import WORDLESS, Parted, Words
from service.rules.words import EventType

SALT = bytes(range(16))


def test_the_hash_of_an_act_is_as_documented() -> None:
    """A vector for other programs: the bytes are written out."""
    text = texts.of_act(Words('今天\n去修 "A"', "worker-17"))
    plain = '{"note":"今天\\n去修 \\"A\\"","subject":"worker-17"}'.encode()
    assert texts.digest(SALT, text) == hashlib.sha256(SALT + plain).digest()
    assert texts.digest(SALT, text).hex() == "4d33a58d48d14305fe567d7706a8d5edab7a071bf96839284ee6dbe72960ad63"


def test_the_hash_of_a_report_has_canonical_numbers() -> None:
    text = texts.of_report(
        description="灯不亮",
        location={"lon": 113.0, "lat": 23.0862, "coord_type": "gcj02", "accuracy_m": 1e-6},
        occurred_at=datetime(2026, 11, 23, 1, tzinfo=UTC),
        source=("grid-app", "A-1"),
    )
    plain = (
        '{"description":"灯不亮","location":{"accuracy_m":0.000001,"coord_type":"gcj02","lat":23.0862,"lon":113},'
        '"occurred_at":"2026-11-23T01:00:00.000000Z","source":["grid-app","A-1"],"subject":"w"}'
    )
    whole = {**text, **texts.of_act(Words(subject="w"))}
    assert texts.digest(SALT, whole) == hashlib.sha256(SALT + plain.encode()).digest()
    assert texts.digest(SALT, whole).hex() == "22aaa36ffbe331b157015cd2092a90ccc0ea53c1e326bc3fa478ce82a342b214"


def test_what_there_is_none_of_is_left_out() -> None:
    assert texts.of_act(WORDLESS) == {}
    assert texts.of_act(Words(subject="w")) == {"subject": "w"}
    bare = texts.of_report(description="灯", location=None, occurred_at=None, source=None)
    assert bare == {"description": "灯"}


def test_any_year_has_four_digits() -> None:
    text = texts.of_report(description="", location=None, occurred_at=datetime(33, 1, 1, tzinfo=UTC), source=None)
    assert text["occurred_at"] == "0033-01-01T00:00:00.000000Z"


def test_another_salt_makes_another_hash() -> None:
    text = texts.of_act(Words("a"))
    assert texts.digest(SALT, text) != texts.digest(SALT[::-1], text)


@pytest.mark.parametrize(
    ("event_type", "old", "parted"),
    [
        (
            EventType.CALL_ANSWERED,
            {"call": 1, "by": {"kind": "unit", "subject": "s", "unit": "u"}, "note": "去修", "forgives": 2},
            Parted({"call": 1, "by": {"kind": "unit", "unit": "u"}, "forgives": 2}, Words("去修", "s")),
        ),
        (
            EventType.CALL_OPENED,
            {"call": 1, "by": {"kind": "reporter", "subject": "w"}, "note": None, "cause": "report"},
            Parted({"call": 1, "by": {"kind": "reporter"}, "cause": "report"}, Words(None, "w")),
        ),
        (
            EventType.CALL_WARNED,
            {"call": 1, "by": {"kind": "clock"}, "note": "50"},
            Parted({"call": 1, "by": {"kind": "clock"}, "mark": 50}, WORDLESS),
        ),
        (
            EventType.CALL_MISSED,
            {"by": {"kind": "clock"}, "note": None},
            Parted({"by": {"kind": "clock"}}, WORDLESS),
        ),
    ],
)
def test_old_data_is_parted_once(event_type: EventType, old: Mapping[str, Any], parted: Parted) -> None:
    assert texts.is_old(old)
    assert texts.parted(event_type, old) == parted
    assert not texts.is_old(parted.data)
    assert texts.parted(event_type, parted.data) == Parted(parted.data, WORDLESS)


@pytest.mark.parametrize(
    ("event_type", "sequence", "is_of_report"),
    [
        (EventType.INCIDENT_REPORTED, 1, True),
        (EventType.CALL_OPENED, 2, True),
        (EventType.CALL_OPENED, 3, True),
        (EventType.CALL_OPENED, 4, False),
        (EventType.CALL_UNROUTED, 2, False),
        (EventType.INCIDENT_HELD, 3, False),
    ],
)
def test_two_events_have_their_text_in_the_report(event_type: EventType, sequence: int, is_of_report: bool) -> None:
    assert texts.is_of_report(event_type, sequence) is is_of_report
