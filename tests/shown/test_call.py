"""One call as a viewer sees it: opened, answered, ended, appealed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from service.rules.looks import IncidentLook
from service.rules.model import Actor, Appeal, AssistingPart, By
from service.rules.words import Arrow, Level, Role, State, Verdict
from service.shown.call import CallView, call
from tests.rules.builders import COMMUNITY, NOW, STREET, act, an_incident, fired, later
from tests.rules.deciding import changed_call
from tests.shapes import check
from tests.shown.test_row import ANSWER, ASPECT, VIEWER, whole


def test_a_call_has_exactly_its_shape_in_every_state() -> None:
    for state in State:
        for level in Level:
            check(CallView, call(ASPECT, whole(an_incident(state, level).call)))


def test_a_fresh_call_is_open_and_unanswered() -> None:
    shown = call(ASPECT, an_incident(State.CALLING).call)
    assert (shown["seq"], shown["unit"], shown["cause"]) == (1, COMMUNITY, "report")
    assert {shown["answered_at"], shown["answer"], shown["ended_by"], shown["outcome"], shown["appeal"]} == {None}


def test_the_answer_is_shown_as_it_was_sent() -> None:
    answered = whole(an_incident(State.ANSWERED).call)
    assert check(CallView, call(ASPECT, answered))["answer"] == ANSWER


def test_the_clock_has_neither_subject_nor_unit() -> None:
    missed = changed_call(fired(an_incident(State.CALLING)))
    assert call(ASPECT, missed)["ended_by"] == {"kind": "clock"}
    raised = changed_call(act(an_incident(State.CALLING), "community", Arrow.RAISE))
    assert call(ASPECT, raised)["ended_by"] == {"kind": "unit", "subject": COMMUNITY, "unit": COMMUNITY}


def test_an_appeal_and_the_parts_done_are_shown() -> None:
    by, judge = By("unit", "c", COMMUNITY), By("unit", "s", STREET)
    waiting = Appeal("the road was flooded", by, NOW)
    decided = waiting._replace(decided_by=judge, decided_at=later(days=1), outcome=Verdict.APPROVED)
    plain = an_incident(State.CALLING).call._replace(parts_done=(AssistingPart("dept-c", NOW, "done"),))
    for appeal, outcome in ((waiting, None), (decided, "approved")):
        shown = check(CallView, call(ASPECT, plain._replace(appeal=appeal)))
        assert shown["appeal"]["by"] == {"kind": "unit", "subject": "c", "unit": COMMUNITY}
        assert shown["appeal"]["outcome"] == outcome
        assert shown["parts_done"] == [{"unit": "dept-c", "at": "2026-11-23T01:00:00Z", "comment": "done"}]


def test_whoever_was_asked_to_assist_is_shown() -> None:
    stored = an_incident(State.CALLING).call._replace(
        assisting=("dept-a", "dept-b", "dept-c"),
        declined=("dept-b",),
        parts_done=(AssistingPart("dept-c", NOW, "done"),),
        answered_by_member=True,
    )
    shown = check(CallView, call(ASPECT, stored))
    plain = {"part": None, "due_at": None, "done_at": None, "declined": False}
    assert shown["assisting"] == [
        {"unit": "dept-a", **plain},
        {"unit": "dept-b", **plain, "declined": True},
        {"unit": "dept-c", **plain, "done_at": "2026-11-23T01:00:00Z"},
    ]
    assert shown["answered_by_member"]


@pytest.mark.clause("API3:2023", "ASVS 8.2.3", "GB/T 22239 8.1.4.2 f")
def test_a_partner_never_sees_who_reported() -> None:
    """It sees that a reporter acted, and who else did."""
    firm = Actor(Role.UNIT, "firm", unit="firm", member_of=COMMUNITY, answers_for=())
    partner = replace(ASPECT, viewer=replace(VIEWER, actor=firm), look=IncidentLook.SHARED)
    ended = an_incident(State.CALLING).call._replace(ended_by=By("reporter", "zhang", None))
    assert call(partner, ended)["ended_by"] == {"kind": "reporter"}
    assert call(ASPECT, ended)["ended_by"] == {"kind": "reporter", "subject": "zhang"}
    by_unit = ended._replace(ended_by=By("unit", "s", STREET))
    assert call(partner, by_unit)["ended_by"] == {"kind": "unit", "subject": "s", "unit": STREET}
