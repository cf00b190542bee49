"""Two groups of units have the same reports and the same real work: one is honest, the other plays. The one that plays
scores no more, but by the games of `GAMES`.

An honest group whose resolutions are all looked at has the full score. What nobody looks at counts half, whoever did
it: that is what the games that still pay are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, note, settings, target
from hypothesis import strategies as st

from service.rules.acts import Correction
from service.rules.figures import scoring
from service.rules.figures.counting import tallies
from service.rules.figures.definition import CallFacts
from service.rules.words import Arrow, Credit, Ground, Outcome, Urgency
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    CATEGORY,
    COMMITTEE,
    COMMUNITY,
    NEXT_CELL,
    NEXT_COMMUNITY,
    STATION,
    STREET,
    URGENT_CATEGORY,
)
from tests.rules.figures.logged import facts_of
from tests.rules.histories import BY_THE_CLOCK
from tests.rules.twins import GROUP, HONEST, MONTH, POLICY, Matter, Month, Move, Script

_HOUR_M, _DAY_M = 60, 24 * 60
_FULL = 100.0
_SETTLED = (Outcome.RESOLVED, Outcome.NOT_RESOLVED)
_REFUSED = (Credit.REJECTED, Credit.REOPENED)
_MATTERS = st.builds(
    Matter,
    reported_m=st.integers(0, 31 * _DAY_M - 1),
    category=st.sampled_from([CATEGORY, URGENT_CATEGORY, ADMITTED_CATEGORY]),
    done_m=st.none()
    | st.integers(0, 24 * _HOUR_M)
    | st.integers(8 * _HOUR_M, 24 * _HOUR_M)
    | st.integers(0, 4 * _DAY_M),
    looks_m=st.none() | st.integers(0, 4 * _DAY_M),
)
_DULL = [Arrow.HOLD, Arrow.EXTEND, Arrow.ASSIST, Arrow.DECLINE, Arrow.PART_DONE, Arrow.COMMENT, Arrow.URGE, Arrow.RATE]
_ARROWS = [
    *(Arrow.ANSWER, Arrow.RESOLVE, Arrow.RAISE, Arrow.RETURN, Arrow.ASSIGN, Arrow.ACCEPT, Arrow.REJECT, Arrow.VOID),
    *(Arrow.MERGE, Arrow.CORRECT, Arrow.REOPEN, Arrow.ANSWER, Arrow.RESOLVE, Arrow.RAISE, Arrow.ASSIGN),
]
_MOVES = st.builds(
    Move,
    arrow=st.sampled_from(2 * _ARROWS + _DULL),
    at=st.sampled_from([0.0, 0.1, 0.1, 0.5, 0.5, 0.8, 0.99]) | st.none(),
    by=st.sampled_from([None, None, None, *GROUP]),
    to=st.sampled_from([COMMITTEE, STATION, COMMUNITY, NEXT_COMMUNITY]),
    into=st.integers(0, 3),
    ground=st.sampled_from([Ground.OTHER, Ground.EMERGENCY]),
    correction=st.builds(
        Correction,
        category=st.sampled_from([None, CATEGORY, URGENT_CATEGORY, ADMITTED_CATEGORY]),
        grid_code=st.sampled_from([None, NEXT_CELL]),
        urgency=st.sampled_from([None, *Urgency]),
    ),
)
_QUICK = Move(Arrow.ANSWER, 0.1)
_TO_THE_STREET = (_QUICK, Move(Arrow.RAISE, 0.8))
_AT_THE_STREET = (*_TO_THE_STREET, _QUICK)
_SCRIPTS = st.builds(
    lambda first, others, is_honest_then: Script((*first, *others), is_honest_then),
    st.sampled_from([(), _TO_THE_STREET, _AT_THE_STREET]),
    st.lists(_MOVES, max_size=12),
    st.sampled_from([True, True, True, False]),
)
_CASES = st.lists(st.tuples(_MATTERS, _SCRIPTS), min_size=1, max_size=4)


_HALF_LATER = Move(Arrow.ACCEPT, 0.5, by=STREET)
_UNSEEN = Matter(0, CATEGORY, 20 * _HOUR_M, None)
"""Done when the street has it, and nobody looks."""
_NEVER_DONE = Matter(0, CATEGORY, None, None)
_DONE_LATE = Matter(0, CATEGORY, 50 * _HOUR_M, 0)
_ON = (Move(Arrow.ASSIGN, 0.8), _QUICK, Move(Arrow.ASSIGN, 0.8, to=STATION), _QUICK)
_DONE = Move(Arrow.RESOLVE, None)
_SEEN = Matter(0, CATEGORY, None, 60 * _HOUR_M)
"""Never done, and its reporter looks in the second half of its time."""
_BY_THE_COMMUNITY = Move(Arrow.ACCEPT, 0.5, by=COMMUNITY)
_TO_OTHERS = Move(Arrow.ASSIGN, 0.1, to=NEXT_COMMUNITY)


def _months(cases: Sequence[tuple[Matter, Script]], *, helps: bool) -> tuple[Month, Month]:
    """The month of the honest twin, and that of the group."""
    matters = [matter for matter, _ in cases]
    twin = Month(matters, [HONEST] * len(cases), helps=helps)
    group = Month(matters, [script for _, script in cases], helps=helps)
    twin.live()
    group.live()
    return twin, group


def _calls(month: Month, n: int) -> list[CallFacts]:
    """The calls about one matter that were opened in the month."""
    return [call for call in facts_of(month.incidents[n]) if MONTH.holds(call.opened_at)]


def _own(month: Month, n: int) -> list[CallFacts]:
    return [call for call in _calls(month, n) if call.unit in GROUP]


def _score(month: Month, some: Iterable[int]) -> float | None:
    """The score of all units of the group, counted as one, by some matters alone."""
    facts = [call for n in some for call in facts_of(month.incidents[n])]
    found = tallies(facts, MONTH, lambda call: "group" if call.unit in GROUP else None).groups
    return scoring.score(scoring.parts(found["group"], POLICY.weights, POLICY.fair_play)) if found else None


def _worth(month: Month, n: int) -> set[str | None]:
    """What the group's resolutions of one matter are worth in the end."""
    return {each.credit for each in _own(month, n) if each.outcome == Outcome.RESOLVED}


def _counts(call: CallFacts) -> bool:
    """Whether a call counts in the part of the score for resolving."""
    return call.outcome in _SETTLED or (call.late_exit and call.answered_at is not None)


def _is_at_fault(month: Month, n: int) -> bool:
    """Whether the group missed a call about a matter, passed on one that nobody took, left one late, or had a result
    refused."""
    every = {call.seq: call for call in facts_of(month.incidents[n])}
    missed = [each for each in _calls(month, n) if each.outcome in BY_THE_CLOCK]
    accountable = [
        every[each.accountable_seq] if each.accountable_seq and each.outcome == Outcome.NO_ANSWER else each
        for each in missed
    ]
    played = any(each.late_exit or each.credit in _REFUSED for each in _own(month, n))
    return played or any(each.unit in GROUP for each in accountable)


def _stands_though_seen(month: Month, n: int) -> bool:
    """Whether a resolution has credit though it was not done when the reporter looked at it."""
    looks_m, done_at = month.matters[n].looks_m, month.done_at[n]
    credited = (each for each in _own(month, n) if each.credit in (Credit.VERIFIED, Credit.UNVERIFIED))
    ends = [each.ended_at for each in credited if each.ended_at is not None]
    if looks_m is None:
        return False
    return any(done_at is None or done_at > each + timedelta(minutes=looks_m) for each in ends)


def _is_played(n: int, twin: Month, group: Month) -> bool:
    """Whether one of the games that still pay was played with this matter: a resolution is confirmed that the twin's is
    not, or what nobody has looked at when the twin did it is left out of what counts for resolving."""
    was, looks = _worth(twin, n), twin.matters[n].looks_m is not None
    could = (
        each for each in _own(group, n) if looks or each.unit != STREET
    )  # nobody below the street confirms its work
    confirmed = any(each.credit == Credit.VERIFIED for each in could) and Credit.VERIFIED not in was
    return confirmed or (Credit.UNVERIFIED in was and not any(map(_counts, _own(group, n))))


@pytest.mark.clause("API6:2023")
@settings(
    max_examples=5 * settings().max_examples,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@example(cases=[(_SEEN, Script((Move(Arrow.RESOLVE),)))], helps=True)
@example(cases=[(_SEEN, Script((Move(Arrow.RESOLVE), _HALF_LATER)))], helps=True)
@example(cases=[(_NEVER_DONE, Script((_QUICK, Move(Arrow.RAISE, 0.99))))], helps=True)
@example(cases=[(_NEVER_DONE, Script((*_TO_THE_STREET, _TO_OTHERS)))], helps=False)
@example(cases=[(_UNSEEN, Script((*_AT_THE_STREET, _DONE, _BY_THE_COMMUNITY)))], helps=True)
@given(cases=_CASES, helps=st.booleans())
def test_no_group_scores_more_than_its_honest_twin(cases: Sequence[tuple[Matter, Script]], helps: bool) -> None:
    twin, group = _months(cases, helps=helps)
    every = range(len(cases))
    some = [n for n in every if not _is_played(n, twin, group)]
    ours, theirs = _score(group, some), _score(twin, some)
    note("\n".join(["twin", *twin.log, f"{theirs}", "group", *group.log, f"{ours} by {some}"]))

    assert not any(_is_at_fault(twin, n) for n in every)
    assert all(_is_at_fault(group, n) for n in every if _stands_though_seen(group, n)), (
        "only once it may not reopen again"
    )
    assert (theirs is None) == (not some), "whoever is honest has a score"
    if theirs is None or ours is None:  # no score is not a better one, and each way out has a measure of its own
        return
    target(ours - theirs)
    assert theirs == _FULL or any(Credit.UNVERIFIED in _worth(twin, n) for n in some)
    if any(_is_at_fault(group, n) for n in some):
        assert ours < theirs
    assert ours <= theirs


GAMES = {
    "left early, as nobody will look": (
        [(_UNSEEN, Script((_QUICK, Move(Arrow.RAISE), _QUICK, Move(Arrow.RAISE))))],
        100.0,
    ),
    "void, as nobody will look": (
        [(_UNSEEN, Script((*_TO_THE_STREET, Move(Arrow.VOID)))), (_DONE_LATE, HONEST)],
        100.0,
    ),
    "not done, and confirmed by the street": (
        [(_UNSEEN, HONEST), (_NEVER_DONE, Script((Move(Arrow.RESOLVE), _HALF_LATER)))],
        85.71,
    ),
    "done by the street's committee, and confirmed by the street": (
        [(_UNSEEN, Script((*_AT_THE_STREET, Move(Arrow.ASSIGN), _QUICK, _DONE, _HALF_LATER)))],
        100.0,
    ),
    "done late, in the boxes of three units": (
        [(_UNSEEN, HONEST), (_DONE_LATE, Script((*_AT_THE_STREET, *_ON, _DONE)))],
        85.71,
    ),
}
"""The games that still pay, each in its shortest form, and the score of whoever plays it. The honest twin has 71.43."""


@pytest.mark.parametrize("game", GAMES)
def test_games_that_still_pay_are_known(game: str) -> None:
    cases, score = GAMES[game]
    twin, group = _months(cases, helps=True)
    every = range(len(cases))
    assert (_score(twin, every), _score(group, every)) == (71.43, score)
    assert any(_is_played(n, twin, group) for n in every)
