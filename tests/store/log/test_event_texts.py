"""The texts of new events: which are hashed, and which of them need a row beside the log."""

from __future__ import annotations

from uuid import UUID

from service.rules import texts
from service.rules.decisions import Event
from service.rules.model import CLOCK, By
from service.rules.texts import Words
from service.rules.words import EventType, State
from service.store.log import event_texts
from service.store.log.event_texts import ReportText
from tests.rules.builders import COMMUNITY, NOW, an_incident

INCIDENT = an_incident(State.CALLING)
WORKER, DESK = By("reporter", "worker"), By("unit", "desk", COMMUNITY)
SAID = ReportText({"description": "灯不亮"}, "worker", b"s" * 16)
REPORTED: dict[UUID, ReportText] = {INCIDENT.id: SAID}


def _event(event_type: EventType, sequence: int, by: By = WORKER, note: str | None = None) -> Event:
    return Event(event_type, sequence, NOW, INCIDENT, 1, by, note)


def test_what_nobody_said_and_did_has_no_text() -> None:
    page = event_texts.text_page([_event(EventType.CALL_MISSED, 4, CLOCK)], {})
    assert (page.hashes, page.rows) == ([None], {})


def test_a_report_needs_no_row_beside_the_log() -> None:
    events = [_event(EventType.INCIDENT_REPORTED, 1), _event(EventType.CALL_OPENED, 2)]
    page = event_texts.text_page(events, REPORTED)
    assert page.rows == {}
    assert page.hashes == [
        texts.digest(SAID.salt, {"description": "灯不亮", "subject": "worker"}),
        texts.digest(SAID.salt, {"subject": "worker"}),
    ]


def test_who_reported_in_the_name_of_others_lies_beside() -> None:
    events = [_event(EventType.INCIDENT_REPORTED, 1, By("reporter", "worker/7"))]
    page = event_texts.text_page(events, REPORTED)
    assert page.hashes == [texts.digest(SAID.salt, {"description": "灯不亮", "subject": "worker/7"})]
    assert page.rows == {
        "incident_id": [INCIDENT.id],
        "sequence": [1],
        "note": [None],
        "subject": ["worker/7"],
        "salt": [SAID.salt],
    }


def test_each_act_has_its_own_row_and_salt() -> None:
    unrouted = _event(EventType.CALL_UNROUTED, 2, CLOCK, "nobody there")
    events = [_event(EventType.CALL_ANSWERED, 1, DESK, "去修"), unrouted, _event(EventType.CALL_MISSED, 3, CLOCK)]
    page = event_texts.text_page(events, {})
    assert (page.rows["sequence"], page.rows["note"], page.rows["subject"]) == (
        [1, 2],
        ["去修", "nobody there"],
        ["desk", None],
    )
    salts = page.rows["salt"]
    assert [len(each) for each in salts] == [16, 16] and salts[0] != salts[1]
    said = [Words("去修", "desk"), Words("nobody there")]
    hashes = [texts.digest(salt, texts.of_act(words)) for salt, words in zip(salts, said, strict=True)]
    assert page.hashes == [*hashes, None]
