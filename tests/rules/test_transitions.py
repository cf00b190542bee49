"""Every state × arrow × person × level, cell by cell, against tables written down by hand from contract §2.

Here the call is raised by hand from level to level; who stands beside the chain is in `test_relations`.
"""

from __future__ import annotations

import pytest

from service.rules import lifecycle
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Incident
from service.rules.words import Arrow, ClosedAs, Level, State
from tests.rules import deciding
from tests.rules.builders import (
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NEXT_COMMUNITY,
    NOW,
    PEOPLE,
    SPECIAL,
    STREET,
    WORLD,
    a_void,
    act,
    an_act,
    an_incident,
    later,
    types,
)
from tests.rules.tables import CLOCKS, VERBS, cells, refused, with_corrections

# Columns are the levels 1–4. The called unit is the community, the street, the department, the leader; the firm is a
# partner of the community. Whoever has no line may do nothing at all; "-" is nothing at this level.

MAY_NOW = """
calling    reporter             otu        otu           otu        otu
calling    reporter_moved       otu        otu           otu        otu
calling    community            bcdixpst   tu            tu         tu
calling    street               qtu        bcdghixpqst   qtu        qrtu
calling    department           -          -             bcdghixst  tu
calling    leader               -          -             -          bchixst
calling    firm                 b          -             -          -
calling    community_reporting  bcdixopst  otu           otu        otu
calling    street_reporting     oqtu       bcdghixopqst  oqtu       oqrtu
calling    ops                  hq         q             q          q
calling    ops_reporting        hq         q             q          q

answered   reporter             otu        otu           otu        otu
answered   reporter_moved       otu        otu           otu        otu
answered   community            cdixst     tu            tu         tu
answered   street               qtu        cdhixqst      qtu        qrtu
answered   department           -          -             cdhixst    tu
answered   leader               -          -             -          chixst
answered   community_reporting  cdixost    otu           otu        otu
answered   street_reporting     oqtu       cdhixoqst     oqtu       oqrtu
answered   ops                  hq         q             q          q
answered   ops_reporting        hq         q             q          q

on_hold    reporter             otu        otu           otu        otu
on_hold    reporter_moved       otu        otu           otu        otu
on_hold    community            jt         tu            tu         tu
on_hold    street               jqtu       jqt           qtu        qrtu
on_hold    department           -          -             jt         tu
on_hold    leader               -          -             jtu        jt
on_hold    community_reporting  jot        otu           otu        otu
on_hold    street_reporting     joqtu      joqt          oqtu       oqrtu
on_hold    ops                  q          jq            jq         jq
on_hold    ops_reporting        q          jq            jq         jq

resolved   reporter             klrt       klrt          klrt       klrt
resolved   reporter_moved       klrt       klrt          klrt       klrt
resolved   community            t          t             t          t
resolved   street               t          t             rt         rt
resolved   department           -          -             t          t
resolved   leader               -          -             -          t
resolved   community_reporting  t          klrt          klrt       klrt
resolved   street_reporting     klt        t             klrt       klrt

closed     reporter             nrt        nrt           nrt        nrt
closed     reporter_moved       nrt        nrt           nrt        nrt
closed     community            t          t             t          t
closed     street               nt         nt            nrt        nrt
closed     department           -          -             t          t
closed     leader               -          -             -          t
closed     community_reporting  nt         nrt           nrt        nrt
closed     street_reporting     nt         nt            nrt        nrt
"""

MAY_AT_ALL = """
reporter             klnortu          klnortu           klnortu       klnortu
reporter_moved       klnortu          klnortu           klnortu       klnortu
community            bcdghixjpsvt     klvtu             klvtu         klvtu
street               klnqrtu          bcdghixjnpqsrvt   klnqrvtu      klnqrvtu
department           -                -                 bcdghixjpsvt  vtu
leader               -                -                 -             bcdghixjpsvt
firm                 b                -                 -             -
community_reporting  bcdghixjnopsrvt  klnorvtu          klnorvtu      klnorvtu
street_reporting     klnoqrtu         bcdghixjnopqsrvt  klnoqrvtu     klnoqrvtu
ops                  hklqYZ           hklqYZ            hklqYZ        hklqYZ
ops_reporting        hklqYZ           hklqYZ            hklqYZ        hklqYZ
"""
"""In a state where it cannot be done these get 409 for it, everybody else 403."""

ASKED = """
street               yzjv  -    -       -
street_reporting     yzjv  -    -       -
leader               -     -    yzjvtu  -
ops                  -     yzj  yzj     yzj
ops_reporting        -     yzj  yzj     yzj
"""
"""And what these may since a hold was asked for, which they have approved; at level 2 it was the leader of the
street."""
BELOW = (State.RESOLVED, "community", "2")
"""The community does not judge what the street above it has resolved."""

CALLED = {1: COMMUNITY, 2: STREET, 3: DEPARTMENT, 4: LEADER}
SAME = {level: (level, CALLED[level]) for level in CALLED}
UP = {1: (2, STREET), 2: (3, DEPARTMENT), 3: (4, LEADER)}
BACK = {2: (1, COMMUNITY), 3: (2, STREET)}
GIVEN = {1: (1, NEXT_COMMUNITY), 2: (2, COMMITTEE), 3: (3, SPECIAL), 4: (3, DEPARTMENT)}
"""Whom `an_act` assigns it to."""
LEADS_TO = {
    # verb, from: state, level and unit by the level it had, events in the contract's order
    ("b", "calling"): ("answered", SAME, ["call.answered"]),
    ("c", "calling"): ("resolved", SAME, ["call.answered", "incident.resolved"]),
    ("c", "answered"): ("resolved", SAME, ["incident.resolved"]),
    ("d", "calling"): ("calling", UP, ["call.raised", "call.opened"]),
    ("d", "answered"): ("calling", UP, ["call.raised", "call.opened"]),
    ("g", "calling"): ("calling", BACK, ["call.returned", "call.opened"]),
    ("h", "calling"): ("calling", GIVEN, ["call.assigned", "call.opened"]),
    ("h", "answered"): ("calling", GIVEN, ["call.assigned", "call.opened"]),
    ("i", "calling"): ("calling", SAME, ["call.requested"]),
    ("i", "answered"): ("answered", SAME, ["call.requested"]),
    ("x", "calling"): ("calling", SAME, ["call.requested"]),
    ("x", "answered"): ("answered", SAME, ["call.requested"]),
    ("j", "on_hold"): ("calling", SAME, ["incident.resumed"]),
    ("k", "resolved"): ("closed", SAME, ["incident.closed"]),
    ("l", "resolved"): ("calling", SAME, ["incident.rejected", "call.opened"]),
    ("n", "closed"): ("calling", SAME, ["incident.reopened", "call.opened"]),
    ("p", "calling"): ("closed", SAME, ["incident.closed"]),
    **{("o", state): ("closed", SAME, ["incident.closed"]) for state in ("calling", "answered", "on_hold")},
    **{("q", state): ("closed", SAME, ["incident.closed"]) for state in ("calling", "answered", "on_hold")},
    **{("R", state): (state, SAME, ["incident.corrected"]) for state in ("calling", "answered")},
    **{("S", state): ("closed", SAME, ["incident.closed"]) for state in ("calling", "answered", "on_hold")},
    **{("s", state): (state, SAME, ["call.assisted"]) for state in ("calling", "answered")},
    **{("r", state.value): (state.value, SAME, ["incident.rated"]) for state in State},
    **{("t", state.value): (state.value, SAME, ["incident.commented"]) for state in State},
    **{("u", state): (state, SAME, ["incident.urged"]) for state in ("calling", "answered", "on_hold")},
}


NOW_CELLS, AT_ALL_CELLS, ASKED_CELLS = cells(MAY_NOW), cells(MAY_AT_ALL), cells(ASKED)


def _at_all(state: State, who: str, level: str) -> str:
    letters = AT_ALL_CELLS.get((who, level), "")
    if state is State.ON_HOLD:
        letters += ASKED_CELLS.get((who, level), "")
    return letters.replace("kl", "") if (state, who, level) == BELOW else letters


def _refused(incident: Incident, who: str, arrow: Arrow, error: type[Exception], offered: list[str]) -> None:
    refused(incident, PEOPLE[who], an_act(arrow), error, offered)


@pytest.mark.clause("ASVS 2.3.1")
@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("who", PEOPLE)
def test_everybody_may_do_what_the_table_says_and_nothing_else(who: str, state: State, level: Level) -> None:
    incident = an_incident(state, level)
    now, at_all = NOW_CELLS.get((state, who, str(level)), ""), _at_all(state, who, str(level))
    now, at_all = with_corrections(now, who, state), with_corrections(at_all, who)
    if who == "firm" and state in (State.RESOLVED, State.CLOSED):
        at_all = ""  # no call is open that it could answer, so there is nothing here for it
    offered = [VERBS[letter].value for letter in now if letter != "S"]  # a flood is ended for many at once
    assert list(deciding.allowed(incident, PEOPLE[who], WORLD, NOW)) == offered
    for letter, arrow in VERBS.items():
        if letter not in now:
            _refused(incident, who, arrow, IllegalTransition if letter in at_all else NotYours, offered)
            continue
        decision = act(incident, who, arrow)
        to_state, units, events = LEADS_TO[letter, state.value]
        after = decision.after
        assert (after.state, (after.level, after.unit)) == (to_state, units[level]), letter
        assert types(decision) == events, letter
        assert {event.by.subject for event in decision.events} == {PEOPLE[who].subject}
        assert {event.by.unit for event in decision.events} == {PEOPLE[who].unit}
        assert decision.before is incident


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("arrow", CLOCKS)
def test_the_clocks_arrows_are_offered_to_nobody(who: str, arrow: Arrow) -> None:
    for state in State:
        for level in Level:
            incident = an_incident(state, level)
            offered = list(deciding.allowed(incident, PEOPLE[who], WORLD, NOW))
            assert arrow.value not in offered
            _refused(incident, who, arrow, NotYours, offered)


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
        (a_void(Level.STREET), _OWN, set()),
        (twice_void, set(), _OWN),
    ]
    for incident, may, too_late in cases:
        offered = list(deciding.allowed(incident, PEOPLE[who], WORLD, NOW))
        assert ("reopen" in offered) == (who in may), incident.closed_as
        if who in may:
            assert act(incident, who, Arrow.REOPEN).after.state is State.CALLING
        else:
            _refused(incident, who, Arrow.REOPEN, IllegalTransition if who in too_late else NotYours, offered)


def test_every_refusal_says_what_to_do_in_words_and_carries_the_state_and_the_verbs() -> None:
    with pytest.raises(IllegalTransition, match="The incident is resolved: answer needs calling") as refusal:
        act(an_incident(State.RESOLVED), "community", Arrow.ANSWER)
    assert (refusal.value.state, refusal.value.allowed) == ("resolved", ("comment",))
    with pytest.raises(IllegalTransition, match="at level 4: raise is possible at level 1, 2 or 3"):
        act(an_incident(State.CALLING, Level.LEADER), "leader", Arrow.RAISE)
    with pytest.raises(IllegalTransition, match="until 2026-11-23T08:00"):
        act(an_incident(State.CLOSED)._replace(reopen_until=later(hours=-1)), "street", Arrow.REOPEN)
    with pytest.raises(IllegalTransition, match="at level 3: void is possible at level 1 or 2"):
        act(an_incident(State.CALLING, Level.DEPARTMENT), "department", Arrow.VOID)
    with pytest.raises(IllegalTransition, match="at level 1: return is possible at level 2 or 3"):
        act(an_incident(State.CALLING), "community", Arrow.RETURN)
    with pytest.raises(IllegalTransition, match="A community has nobody to assign it to: raise it"):
        act(an_incident(State.CALLING), "community", Arrow.ASSIGN)
    with pytest.raises(IllegalTransition, match="ops assign only where no unit can"):
        act(an_incident(State.CALLING, Level.STREET), "ops", Arrow.ASSIGN)
    with pytest.raises(NotYours, match="Only the unit that is called may raise"):
        act(an_incident(State.CALLING), "firm", Arrow.RAISE)
    with pytest.raises(NotYours, match="the unit that is called or whoever resolved it may not"):
        act(an_incident(State.RESOLVED), "community", Arrow.ACCEPT)


def test_every_arrow_has_its_letter() -> None:
    letters = [transition.letter for transition in lifecycle.TRANSITIONS.values() if transition.letter]
    assert sorted(letters) == list("bcdefghiiiijklmnopqrs"), "asking, extending, approving and refusing are all of i"
    assert set(lifecycle.TRANSITIONS) == set(Arrow)
    assert {*VERBS.values(), *CLOCKS} == set(Arrow), "the tables know every verb"
    assert [arrow for arrow in lifecycle.TRANSITIONS if arrow not in CLOCKS] == list(VERBS.values())
    assert {letter: lifecycle.TRANSITIONS[VERBS[letter]].letter for letter in "bcdghijklnopq"} == {
        letter: letter for letter in "bcdghijklnopq"
    }
