"""Arrows k and l after the close: ops look at what was drawn for a spot check, once (抽查)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import By, Incident
from service.rules.words import Arrow, Cause, ClosedAs, Credit, Level, State
from tests.rules import deciding
from tests.rules.builders import (
    DEPARTMENT,
    LEADER,
    NOW,
    PEOPLE,
    SEEDS,
    STREET,
    UNIT_AT,
    WORLD,
    a_drawn,
    a_unit,
    a_world,
    act,
    an_act,
    an_incident,
    fired,
    later,
)

C, R, X = State.CALLING, State.RESOLVED, State.CLOSED
L1, L2, L3, L4 = Level
VERDICTS = pytest.mark.parametrize("verdict", [Arrow.ACCEPT, Arrow.REJECT])


def _closed_again(incident: Incident, who: str) -> Incident:
    """Resolved once more, and again nobody looks at it, and it is drawn."""
    resolved = act(incident, who, Arrow.RESOLVE, at=incident.updated_at).after
    return fired(resolved, seeds=SEEDS).after


@pytest.mark.parametrize("level", Level)
def test_what_ops_accept_counts_as_verified_and_stays_closed(level: Level) -> None:
    drawn = a_drawn(level)
    accepted = act(drawn, "ops", Arrow.ACCEPT, at=later(days=5))
    after = accepted.after
    assert after.call == drawn.call._replace(credit=Credit.VERIFIED)
    unchanged = after._replace(call=drawn.call, version=drawn.version, sequence=drawn.sequence, updated_at=NOW)
    assert unchanged == drawn._replace(updated_at=NOW), "closed as unverified, to be reopened as long as before"
    assert (after.version, after.closed_as, after.drawn) == (drawn.version + 1, ClosedAs.UNVERIFIED, True)
    [event] = accepted.events
    assert (event.facts, event.note, event.by) == ({"credit": "verified"}, "because", By("ops", "ops"))


@pytest.mark.parametrize("level", Level)
def test_what_ops_reject_opens_again_where_it_closed(level: Level) -> None:
    """Long after nobody could reopen it any more."""
    drawn = a_drawn(level)
    assert drawn.reopen_until is not None
    at = drawn.reopen_until + timedelta(days=90)
    rejected = act(drawn, "ops", Arrow.REJECT, at=at)
    after = rejected.after
    assert (after.state, after.level, after.unit) == (C, drawn.level, drawn.unit)
    assert (after.closed_at, after.closed_as, after.reopen_until, after.drawn) == (None, None, None, False)
    assert (after.rejects, after.earlier[-1].credit) == (1, Credit.REJECTED)
    assert (after.call.cause, after.call.round, after.call.opened_at) == (Cause.REJECTED, 2, at)
    assert after.call.from_unit == drawn.call.from_unit
    assert [(each.facts or {}).get("credit") for each in rejected.events] == ["rejected", None, None]
    assert [each.call for each in rejected.events] == [drawn.call.seq, drawn.call.seq, after.call.seq]


@pytest.mark.parametrize(
    ("level", "up"), [(L1, (L2, STREET)), (L2, (L3, DEPARTMENT)), (L3, (L4, LEADER)), (L4, (L4, LEADER))]
)
def test_a_second_reject_goes_a_level_up_whoever_says_it(level: Level, up: tuple[Level, str]) -> None:
    by_reporter = act(an_incident(R, level), "reporter", Arrow.REJECT).after
    second = act(_closed_again(by_reporter, UNIT_AT[level]), "ops", Arrow.REJECT).after
    assert (second.rejects, (second.level, second.unit)) == (2, up)
    by_ops = act(a_drawn(level), "ops", Arrow.REJECT).after
    resolved = act(by_ops, UNIT_AT[level], Arrow.RESOLVE, at=by_ops.updated_at).after
    again = act(resolved, "reporter", Arrow.REJECT, at=resolved.updated_at).after
    assert (again.rejects, (again.level, again.unit)) == (2, up)


def test_what_was_rejected_may_be_drawn_again() -> None:
    again = _closed_again(act(a_drawn(), "ops", Arrow.REJECT).after, "community")
    assert (again.drawn, again.rejects) == (True, 1)
    assert act(again, "ops", Arrow.ACCEPT).after.call.credit is Credit.VERIFIED
    assert act(again, "ops", Arrow.REJECT).after.unit == STREET


@VERDICTS
def test_ops_look_at_it_once(verdict: Arrow) -> None:
    checked = act(a_drawn(), "ops", Arrow.ACCEPT).after
    with pytest.raises(IllegalTransition, match="It was checked already: whoever finds it undone may reopen it"):
        act(checked, "ops", verdict, at=checked.updated_at)
    assert "reopen" in deciding.allowed(checked, PEOPLE["street"], WORLD, checked.updated_at)


@VERDICTS
def test_ops_look_only_at_what_was_drawn(verdict: Arrow) -> None:
    for closed in (fired(an_incident(R)).after, an_incident(X)):
        with pytest.raises(IllegalTransition, match="It was not drawn for a spot check: leave it to its reporter"):
            act(closed, "ops", verdict)
        assert verdict.value not in deciding.allowed(closed, PEOPLE["ops"], WORLD, NOW)


def test_ops_accept_nothing_that_waits_to_be_verified() -> None:
    for rejects in (0, 2):
        with pytest.raises(IllegalTransition, match="It was not drawn for a spot check"):
            act(an_incident(R)._replace(rejects=rejects), "ops", Arrow.ACCEPT)


@VERDICTS
@pytest.mark.parametrize("who", ["reporter", "street", "community_reporting", "department", "auditor", "elsewhere"])
def test_nobody_else_judges_what_was_drawn(who: str, verdict: Arrow) -> None:
    drawn = a_drawn(L2)
    with pytest.raises((IllegalTransition, NotYours)) as refusal:
        act(drawn, who, verdict)
    assert verdict.value not in deciding.allowed(drawn, PEOPLE[who], WORLD, drawn.updated_at)
    if who == "reporter":
        assert f"The incident is closed: {verdict.value} needs resolved." in str(refusal.value)


@VERDICTS
def test_ops_do_not_check_what_they_resolved(verdict: Arrow) -> None:
    """Under another key, of the unit that was called."""
    resolved = deciding.decide(an_incident(C, L3), an_act(Arrow.RESOLVE), a_unit(DEPARTMENT, "ops"), WORLD, NOW).after
    drawn = fired(resolved, seeds=SEEDS).after
    with pytest.raises(NotYours, match="hoever resolved it"):
        act(drawn, "ops", verdict)
    assert act(drawn, "ops_reporting", verdict).after.call.credit is not Credit.UNVERIFIED


@VERDICTS
def test_its_reporter_may_reopen_what_was_drawn(verdict: Arrow) -> None:
    """Before ops look at it, and after they took it for done: then it is no longer drawn."""
    drawn = a_drawn()
    for closed in (drawn, act(drawn, "ops", Arrow.ACCEPT).after):
        reopened = act(closed, "reporter", Arrow.REOPEN, at=closed.updated_at).after
        assert (reopened.drawn, reopened.earlier[-1].credit, reopened.rejects) == (False, Credit.REOPENED, 0)
        assert verdict.value not in deciding.allowed(reopened, PEOPLE["ops"], WORLD, reopened.updated_at)


def test_a_unit_that_is_gone_is_not_called_again() -> None:
    drawn = a_drawn(L2)
    after = act(drawn, "ops", Arrow.REJECT, world=a_world(without=(STREET,))).after
    assert (after.level, after.unit, after.call.cause) == (L3, DEPARTMENT, Cause.UNROUTED)
