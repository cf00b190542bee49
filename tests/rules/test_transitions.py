"""Every state × arrow × person × level, cell by cell, against tables written down by hand from contract §2."""

from __future__ import annotations

import pytest

from service.rules import lifecycle
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Incident
from service.rules.words import Arrow, ClosedAs, Level, State
from tests.rules.builders import (
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NOW,
    PEOPLE,
    STREET,
    WORLD,
    a_void,
    act,
    an_act,
    an_incident,
    later,
    types,
)

VERBS = {
    "b": Arrow.ANSWER,
    "c": Arrow.RESOLVE,
    "d": Arrow.RAISE,
    "i": Arrow.HOLD,
    "x": Arrow.EXTEND,
    "y": Arrow.APPROVE,
    "z": Arrow.REFUSE,
    "j": Arrow.RESUME,
    "k": Arrow.ACCEPT,
    "l": Arrow.REJECT,
    "n": Arrow.REOPEN,
    "o": Arrow.WITHDRAW,
    "t": Arrow.COMMENT,
    "u": Arrow.URGE,
}
CLOCKS = (Arrow.NO_ANSWER, Arrow.NOT_RESOLVED, Arrow.VERIFY_TIMEOUT, Arrow.WARNED)
LATER = (Arrow.RETURN, Arrow.ASSIGN, Arrow.VOID, Arrow.MERGE)

# Columns are the levels 1–4. The called unit is the community, the street, the department, the leader.
# Whoever has no line may do nothing at all; "-" is nothing at this level.

MAY_NOW = """
calling    reporter             otu      otu      otu      otu
calling    reporter_moved       otu      otu      otu      otu
calling    community            bcdixt   tu       tu       tu
calling    street               tu       bcdixt   tu       tu
calling    department           -        -        bcdixt   tu
calling    leader               -        -        -        bcixt
calling    community_reporting  bcdixot  otu      otu      otu
calling    street_reporting     otu      bcdixot  otu      otu

answered   reporter             otu      otu      otu      otu
answered   reporter_moved       otu      otu      otu      otu
answered   community            cdixt    tu       tu       tu
answered   street               tu       cdixt    tu       tu
answered   department           -        -        cdixt    tu
answered   leader               -        -        -        cixt
answered   community_reporting  cdixot   otu      otu      otu
answered   street_reporting     otu      cdixot   otu      otu

on_hold    reporter             otu      otu      otu      otu
on_hold    reporter_moved       otu      otu      otu      otu
on_hold    community            jt       jtu      tu       tu
on_hold    street               jtu      jt       jtu      tu
on_hold    department           -        -        jt       tu
on_hold    leader               -        -        -        jt
on_hold    community_reporting  jot      jotu     otu      otu
on_hold    street_reporting     jotu     jot      jotu     otu

resolved   reporter             klt      klt      klt      klt
resolved   reporter_moved       klt      klt      klt      klt
resolved   community            t        klt      klt      klt
resolved   street               klt      t        klt      klt
resolved   department           -        -        t        t
resolved   leader               -        -        -        t
resolved   community_reporting  t        klt      klt      klt
resolved   street_reporting     klt      t        klt      klt

closed     reporter             nt       nt       nt       nt
closed     reporter_moved       nt       nt       nt       nt
closed     community            t        t        t        t
closed     street               nt       nt       nt       nt
closed     department           -        -        t        t
closed     leader               -        -        -        t
closed     community_reporting  nt       nt       nt       nt
closed     street_reporting     nt       nt       nt       nt
"""

MAY_AT_ALL = """
reporter             klnotu     klnotu     klnotu     klnotu
reporter_moved       klnotu     klnotu     klnotu     klnotu
community            bcdixjt    yzjkltu    kltu       kltu
street               yzjklntu   bcdixjnt   yzjklntu   klntu
department           -          -          bcdixjt    tu
leader               -          -          -          bcdixjt
community_reporting  bcdixjnot  yzjklnotu  klnotu     klnotu
street_reporting     yzjklnotu  bcdixjnot  yzjklnotu  klnotu
"""
"""In a state where it cannot be done these get 409 for it, everybody else 403."""

CALLED = {1: COMMUNITY, 2: STREET, 3: DEPARTMENT, 4: LEADER}
SAME, UP = {1: 1, 2: 2, 3: 3, 4: 4}, {1: 2, 2: 3, 3: 4}
LEADS_TO = {
    # verb, from: state, level by level, events in the contract's order
    ("b", "calling"): ("answered", SAME, ["call.answered"]),
    ("c", "calling"): ("resolved", SAME, ["call.answered", "incident.resolved"]),
    ("c", "answered"): ("resolved", SAME, ["incident.resolved"]),
    ("d", "calling"): ("calling", UP, ["call.raised", "call.opened"]),
    ("d", "answered"): ("calling", UP, ["call.raised", "call.opened"]),
    ("i", "calling"): ("calling", SAME, ["call.requested"]),
    ("i", "answered"): ("answered", SAME, ["call.requested"]),
    ("x", "calling"): ("calling", SAME, ["call.requested"]),
    ("x", "answered"): ("answered", SAME, ["call.requested"]),
    ("j", "on_hold"): ("calling", SAME, ["incident.resumed"]),
    ("k", "resolved"): ("closed", SAME, ["incident.closed"]),
    ("l", "resolved"): ("calling", SAME, ["incident.rejected", "call.opened"]),
    ("n", "closed"): ("calling", SAME, ["incident.reopened", "call.opened"]),
    ("o", "calling"): ("closed", SAME, ["incident.closed"]),
    ("o", "answered"): ("closed", SAME, ["incident.closed"]),
    ("o", "on_hold"): ("closed", SAME, ["incident.closed"]),
    **{("t", state.value): (state.value, SAME, ["incident.commented"]) for state in State},
    **{("u", state): (state, SAME, ["incident.urged"]) for state in ("calling", "answered", "on_hold")},
}


OF_A_LEADER = {
    # who has nobody above decides for itself
    ("i", "calling"): ("on_hold", SAME, ["call.requested", "incident.held"]),
    ("i", "answered"): ("on_hold", SAME, ["call.requested", "incident.held"]),
    ("x", "calling"): ("calling", SAME, ["call.requested", "call.extended"]),
    ("x", "answered"): ("answered", SAME, ["call.requested", "call.extended"]),
}


def _cells(table: str) -> dict[tuple[str, ...], str]:
    """(state, who, level) or (who, level) → letters."""
    cells = {}
    for line in filter(None, table.splitlines()):
        *key, one, two, three, four = line.split()
        for level, letters in enumerate((one, two, three, four), start=1):
            cells[(*key, str(level))] = letters.strip("-")
    return cells


NOW_CELLS, AT_ALL_CELLS = _cells(MAY_NOW), _cells(MAY_AT_ALL)


def _refused(incident: Incident, who: str, arrow: Arrow, error: type[Exception], offered: list[str]) -> None:
    before = repr(incident)
    with pytest.raises(error) as refusal:
        lifecycle.decide(incident, an_act(arrow), PEOPLE[who], WORLD, NOW)
    assert repr(incident) == before
    if isinstance(refusal.value, IllegalTransition):
        assert (refusal.value.state, list(refusal.value.allowed)) == (incident.state.value, offered)
    else:
        assert type(refusal.value) is NotYours


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_may_do_what_the_table_says_and_nothing_else(who: str, state: State, level: Level) -> None:
    incident = an_incident(state, level)
    now, at_all = NOW_CELLS.get((state, who, str(level)), ""), AT_ALL_CELLS.get((who, str(level)), "")
    offered = [VERBS[letter].value for letter in now]
    assert list(lifecycle.allowed(incident, PEOPLE[who], WORLD, NOW)) == offered
    for letter, arrow in VERBS.items():
        if letter not in now:
            _refused(incident, who, arrow, IllegalTransition if letter in at_all else NotYours, offered)
            continue
        decision = act(incident, who, arrow)
        leads_to = {**LEADS_TO, **OF_A_LEADER} if level is Level.LEADER else LEADS_TO
        to_state, levels, events = leads_to[letter, state.value]
        after = decision.after
        assert (after.state, after.level, after.unit) == (to_state, levels[level], CALLED[levels[level]]), letter
        assert types(decision) == events, letter
        assert {event.by.subject for event in decision.events} == {PEOPLE[who].subject}
        assert {event.by.unit for event in decision.events} == {PEOPLE[who].unit}
        assert decision.before is incident


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("arrow", [*CLOCKS, *LATER])
def test_the_clocks_arrows_and_those_that_come_later_are_offered_to_nobody(who: str, arrow: Arrow) -> None:
    for state in State:
        for level in Level:
            incident = an_incident(state, level)
            offered = list(lifecycle.allowed(incident, PEOPLE[who], WORLD, NOW))
            assert arrow.value not in offered
            with pytest.raises(NotYours if arrow in CLOCKS else (NotYours, IllegalTransition)):
                lifecycle.decide(incident, an_act(arrow), PEOPLE[who], WORLD, NOW)


def _closed(as_: ClosedAs, *, reopenable: bool) -> Incident:
    until = later(hours=168) if reopenable else None
    return an_incident(State.CLOSED)._replace(closed_as=as_, reopen_until=until)


_OWN = {"reporter", "reporter_moved", "community_reporting", "street_reporting"}


@pytest.mark.parametrize("who", PEOPLE)
def test_reopening_depends_on_how_it_was_closed(who: str) -> None:
    twice_void = a_void()._replace(reopened_void=True)
    late = an_incident(State.CLOSED)._replace(reopen_until=later(microseconds=-1))
    street = _OWN | {"street"}
    cases: list[tuple[Incident, set[str], set[str]]] = [
        # incident, who may reopen it, who is told that it is not possible; the others that it is not theirs
        (_closed(ClosedAs.VERIFIED, reopenable=True), street, set()),
        (_closed(ClosedAs.UNVERIFIED, reopenable=True), street, set()),
        (_closed(ClosedAs.WITHDRAWN, reopenable=False), set(), street),
        (_closed(ClosedAs.MERGED, reopenable=False), set(), street),
        (late, set(), street),
        (a_void(), _OWN, set()),
        (twice_void, set(), _OWN),
    ]
    for incident, may, too_late in cases:
        offered = list(lifecycle.allowed(incident, PEOPLE[who], WORLD, NOW))
        assert ("reopen" in offered) == (who in may), incident.closed_as
        if who in may:
            assert act(incident, who, Arrow.REOPEN).after.state is State.CALLING
        else:
            _refused(incident, who, Arrow.REOPEN, IllegalTransition if who in too_late else NotYours, offered)


def test_every_refusal_says_what_to_do_in_words_and_carries_the_state_and_the_verbs() -> None:
    with pytest.raises(IllegalTransition, match="The incident is resolved: answer needs calling") as refused:
        act(an_incident(State.RESOLVED), "community", Arrow.ANSWER)
    assert (refused.value.state, refused.value.allowed) == ("resolved", ("comment",))
    with pytest.raises(IllegalTransition, match="no level above"):
        act(an_incident(State.CALLING, Level.LEADER), "leader", Arrow.RAISE)
    with pytest.raises(IllegalTransition, match="until 2026-11-23T00:00"):
        act(an_incident(State.CLOSED)._replace(reopen_until=later(hours=-1)), "street", Arrow.REOPEN)
    with pytest.raises(IllegalTransition, match="not available yet"):
        act(an_incident(State.CALLING), "community", Arrow.VOID)
    with pytest.raises(NotYours, match="Only the unit that is called may answer"):
        act(an_incident(State.CALLING), "street", Arrow.ANSWER)
    with pytest.raises(NotYours, match="The unit that is called may not accept"):
        act(an_incident(State.RESOLVED), "community", Arrow.ACCEPT)


def test_every_arrow_has_its_letter() -> None:
    letters = [transition.letter for transition in lifecycle.TRANSITIONS.values() if transition.letter]
    assert sorted(letters) == list("bcdefghiiiijklmnopq"), "asking, extending, approving and refusing are all of i"
    assert set(lifecycle.TRANSITIONS) == set(Arrow)
    ours = (Arrow.COMMENT, Arrow.URGE, Arrow.EXTEND, Arrow.APPROVE, Arrow.REFUSE)
    written = {letter: arrow for letter, arrow in VERBS.items() if arrow not in ours}
    assert all(lifecycle.TRANSITIONS[arrow].letter == letter for letter, arrow in written.items())
