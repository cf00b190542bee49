"""Every state × arrow × person × level, against a table written down by hand from contract §2."""

from __future__ import annotations

import pytest

from service.rules import lifecycle
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Arrow, Level, State
from tests.rules.builders import NOW, PEOPLE, UNIT_AT, WORLD, act, an_act, an_incident

STATES = (State.CALLING, State.ANSWERED, State.RESOLVED, State.CLOSED)
C, A, R, X = STATES
HELD = "holder"  # the unit that is called: another at each level
CHAIN = "chain"  # a unit that was called before and is not the holder

MAY: dict[Arrow, tuple[set[str], set[State], State | None]] = {
    # arrow: who may at all, from which states, where to (None: the state stays)
    Arrow.ANSWER: ({HELD}, {C}, A),
    Arrow.RESOLVE: ({HELD}, {C, A}, R),
    Arrow.RAISE: ({HELD}, {C, A}, C),
    Arrow.ACCEPT: ({"reporter", "community", "street"}, {R}, X),
    Arrow.REJECT: ({"reporter", "community", "street"}, {R}, C),
    Arrow.REOPEN: ({"reporter", "street"}, {X}, C),
    Arrow.WITHDRAW: ({"reporter"}, {C, A}, X),
    Arrow.COMMENT: ({"reporter", "community", "street", HELD, CHAIN}, {C, A, R, X}, None),
    Arrow.URGE: ({"reporter", "community", "street", CHAIN}, {C, A}, None),
}
NEVER_THE_HOLDER = {Arrow.ACCEPT, Arrow.REJECT, Arrow.URGE}
CLOCK = (Arrow.NO_ANSWER, Arrow.NOT_RESOLVED, Arrow.VERIFY_TIMEOUT)
LATER = (Arrow.RETURN, Arrow.ASSIGN, Arrow.HOLD, Arrow.RESUME, Arrow.VOID, Arrow.MERGE)


def _may(who: str, arrow: Arrow, level: Level) -> bool:
    names, _, _ = MAY[arrow]
    holder = UNIT_AT[level] == who
    if holder and arrow in NEVER_THE_HOLDER:
        return False
    in_chain = who in [UNIT_AT[each] for each in Level if each < level]
    return who in names or (holder and HELD in names) or (in_chain and CHAIN in names)


@pytest.mark.parametrize(("who", "arrow"), [(who, arrow) for who in PEOPLE for arrow in MAY])
def test_each_arrow_is_for_whom_the_contract_says_from_the_states_it_says(who: str, arrow: Arrow) -> None:
    _, sources, target = MAY[arrow]
    for state in STATES:
        for level in Level:
            incident = an_incident(state, level)
            possible = state in sources and not (arrow is Arrow.RAISE and level is Level.LEADER)
            offered = arrow.value in lifecycle.allowed(incident, PEOPLE[who], NOW)
            assert offered == (possible and _may(who, arrow, level)), (state, level)
            if not _may(who, arrow, level):
                with pytest.raises(NotYours):
                    act(incident, who, arrow)
            elif not possible:
                with pytest.raises(IllegalTransition) as refused:
                    act(incident, who, arrow)
                assert refused.value.state == state.value
                assert arrow.value not in refused.value.allowed
            else:
                after = act(incident, who, arrow).after
                assert after.state is (target or state)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("arrow", [*CLOCK, *LATER])
def test_the_clocks_arrows_and_those_that_come_later_are_nobodys(who: str, arrow: Arrow) -> None:
    for state in STATES:
        for level in Level:
            incident = an_incident(state, level)
            assert arrow.value not in lifecycle.allowed(incident, PEOPLE[who], NOW)
            with pytest.raises((NotYours, IllegalTransition)):
                lifecycle.decide(incident, an_act(arrow), PEOPLE[who], WORLD, NOW)


def test_every_arrow_has_its_letter_and_no_two_share_one() -> None:
    letters = [transition.letter for transition in lifecycle.TRANSITIONS.values() if transition.letter]
    assert sorted(letters) == list("bcdefghijklmnopq")
    assert set(lifecycle.TRANSITIONS) == set(Arrow)
