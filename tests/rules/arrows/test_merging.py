"""Arrow q: an incident is merged into another one, and the merge loosens nothing (contract §2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from service.rules import lifecycle
from service.rules.acts import Act, Draft
from service.rules.errors import Conflict, IllegalTransition, NotYours, ValidationFailed
from service.rules.words import Arrow, ClosedAs, Kind, Level, Outcome, State, Verdict
from tests.rules import deciding
from tests.rules.arrows.merged import LATE, merge_into, reported_by
from tests.rules.builders import (
    CATEGORY,
    CELL,
    COMMITTEE,
    NEXT_CELL,
    NOW,
    PEOPLE,
    REPORTER,
    STREET,
    STREET_LEADER,
    WORLD,
    act,
    an_incident,
    later,
    types,
)
from tests.rules.deciding import ALIKE, changed_call

C, A, H, R, X = State
L1, L2, L3, L4 = Level


# --- the merged one ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [C, A, H])
def test_the_merged_one_is_closed_for_good_with_its_call(state: State) -> None:
    incident, into = an_incident(state), reported_by(2, "colleague", NEXT_CELL)
    closed, heard = merge_into(incident, into, "street")
    after = closed.after
    assert (after.state, after.closed_as, after.merged_into) == (X, ClosedAs.MERGED, into.id)
    assert (after.due_at, after.due_kind, after.wake_at, after.reopen_until) == (None, None, None, None)
    assert (after.version, after.audience) == (incident.version + 1, incident.audience)
    assert types(closed) == ["incident.closed"]
    assert closed.events[0].facts == {"closed_as": "merged", "into": into.id}
    call = changed_call(closed)
    assert (call.outcome, call.end_code, call.end_reason) == (Outcome.CLOSED, "merged", "the same")
    assert (call.late_s, call.ended_at) == (None, LATE)
    used = {C: 50, A: 5, H: 0}
    assert call.box_used == used[state], "its unit keeps its measure"
    assert heard.after.state is C
    for who in ("reporter", "street"):
        with pytest.raises(IllegalTransition, match="cannot be reopened"):
            act(after, who, Arrow.REOPEN)


def test_a_request_of_the_merged_one_lapses() -> None:
    asking = act(an_incident(C), "community", Arrow.HOLD).after
    other = reported_by(2, "colleague", NEXT_CELL)
    asking_too = act(other, "next_community", Arrow.HOLD).after
    closed, heard = merge_into(asking, asking_too, "street")
    assert closed.after.requests[0].outcome is Verdict.LAPSED
    assert heard.after.open_request == asking_too.open_request


@pytest.mark.parametrize("state", [R, X])
def test_what_is_resolved_or_closed_is_not_merged(state: State) -> None:
    with pytest.raises(IllegalTransition, match=f"The incident is {state}: merge needs calling, answered or on_hold"):
        merge_into(an_incident(state), reported_by(2, "colleague", NEXT_CELL), "street")


# --- the target -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [H, R])
def test_the_target_is_calling_or_answered(state: State) -> None:
    for who in ("street", "ops"):
        with pytest.raises(Conflict, match=f"is {state}: merge into one that is calling or answered"):
            merge_into(reported_by(2, "colleague", CELL), an_incident(state), who)


def test_it_is_merged_into_another_open_one_and_never_into_itself() -> None:
    one, into = an_incident(C, L2), act(reported_by(2, "colleague", NEXT_CELL), "next_community", Arrow.RAISE).after
    with pytest.raises(ValidationFailed, match="merged into itself") as refused:
        merge_into(one, one)
    assert [each.pointer for each in refused.value.errors] == ["/into"]
    withdrawn = deciding.decide(into, Act(Arrow.WITHDRAW), PEOPLE["colleague"], WORLD, NOW).after
    with pytest.raises(Conflict, match="Incident 2026-2 is closed: merge into an open one"):
        merge_into(one, withdrawn)
    third = act(reported_by(3, "colleague", NEXT_CELL), "next_community", Arrow.RAISE).after
    gone = merge_into(into, third)[0].after
    with pytest.raises(Conflict, match=f"since it was merged into {third.id}: name that one"):
        merge_into(one, gone)
    with pytest.raises(IllegalTransition, match="The incident is closed"):
        merge_into(gone, one)


@pytest.mark.parametrize("who", ["street", "ops"])
def test_level_and_line_bind_ops_too(who: str) -> None:
    low, high = reported_by(2, "neighbour", CELL), an_incident(State.CALLING, Level.DEPARTMENT)
    with pytest.raises(ValidationFailed, match="at level 1, this one at level 3: merge that one into this one") as bad:
        merge_into(high, low, who)
    assert [each.pointer for each in bad.value.errors] == ["/into"]
    assert merge_into(low, high, who)[0].after.merged_into == high.id
    with pytest.raises(ValidationFailed, match="of another line of work"):
        merge_into(low, high, who, likeness=ALIKE._replace(same_line=False))


@pytest.mark.parametrize(
    "unlike", [{"is_near": False}, {"distance_m": 100.1}, {"apart": timedelta(days=30, seconds=1)}]
)
def test_only_ops_merge_what_is_no_candidate(unlike: dict[str, Any]) -> None:
    one, into = reported_by(2, "neighbour", CELL), an_incident(C)
    likeness = ALIKE._replace(**unlike)
    with pytest.raises(ValidationFailed, match="is no candidate for a merge") as refused:
        merge_into(one, into, "street", likeness=likeness)
    assert [each.pointer for each in refused.value.errors] == ["/into"]
    assert merge_into(one, into, "ops", likeness=likeness)[0].after.merged_into == into.id


def test_a_waiting_suggestion_is_merged_and_takes_nothing_in() -> None:
    low = reported_by(2, "neighbour", CELL)
    draft = Draft(CELL, CATEGORY, REPORTER.subject, Kind.SUGGESTION)
    parked = lifecycle.report(draft, REPORTER, WORLD, incident_id=UUID(int=3), number="2026-3", now=NOW).after
    with pytest.raises(Conflict, match="is on_hold"):
        merge_into(low, parked)
    _, heard = merge_into(parked, low)
    assert (heard.after.due_at, heard.after.call.answer_cap) == (low.due_at, LATE + timedelta(hours=1)), (
        "as if it were resumed now"
    )
    chased = deciding.decide(parked, Act(Arrow.RESUME), PEOPLE["community"], WORLD, NOW).after
    assert merge_into(low, chased)[0].after.merged_into == parked.id, "it is called like any other by now"


# --- who may ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [C, A])
def test_a_street_merges_only_what_is_its_own_on_both_sides(state: State) -> None:
    ours, theirs = an_incident(state), reported_by(2, "elsewhere")
    for one, into in ((ours, theirs), (theirs, ours)):
        for who in ("street", "other_street", "community", "reporter", "elsewhere", "auditor", "department"):
            with pytest.raises(NotYours):
                merge_into(one, into, who)
        assert merge_into(one, into, "ops")[0].after.merged_into == into.id
    for who in ("community", "reporter", "committee", "leader"):
        with pytest.raises(NotYours):
            merge_into(ours, reported_by(3, "colleague", NEXT_CELL), who)


@pytest.mark.parametrize(("used", "may"), [(timedelta(minutes=96), True), (timedelta(minutes=96, seconds=1), False)])
def test_the_called_unit_merges_nothing_after_the_late_mark(used: timedelta, may: bool) -> None:
    """Its box at level 2 is two hours: 80 % of them are 96 minutes."""
    incident, into = an_incident(C, L2), act(reported_by(2, "colleague", CELL), "community", Arrow.RAISE).after
    at = NOW + used
    assert ("merge" in deciding.allowed(incident, PEOPLE["street"], WORLD, at)) == may
    if may:
        assert merge_into(incident, into, "street", at=at)[0].after.merged_into == into.id
        return
    with pytest.raises(IllegalTransition, match="More than 80 % of your box is used"):
        merge_into(incident, into, "street", at=at)
    assert merge_into(incident, into, "ops", at=at)[0].after.merged_into == into.id
    beneath = reported_by(3, "colleague", CELL)
    assert merge_into(beneath, incident, "street", at=later(minutes=59))[0].after.closed_as == "merged", (
        "not its own call"
    )


@pytest.mark.parametrize("unit", [STREET, COMMITTEE, STREET_LEADER])
def test_nobody_merges_into_a_report_of_its_own_side(unit: str) -> None:
    dummy = reported_by(2, "dummy", CELL)._replace(reporter_unit=unit)
    with pytest.raises(NotYours, match="was reported by your own unit, or by one above or below it") as refused:
        merge_into(an_incident(C), dummy, "street")
    assert [each.pointer for each in refused.value.errors] == ["/into"]
    assert merge_into(an_incident(C), dummy, "ops")[0].after.merged_into == dummy.id
    assert merge_into(dummy, an_incident(C), "street")[0].after.closed_as == "merged", "the other way round"


def test_another_key_of_its_reporter_merges_nothing_into_it() -> None:
    with pytest.raises(NotYours, match="was reported by your own unit"):
        merge_into(reported_by(2, "colleague", CELL), an_incident(C), "street_reporting")
