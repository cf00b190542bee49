"""Actor × arrow × relation, cell by cell: who stands how to one incident decides what they may do (contract §2).

One incident has come a long way: the community, the street and dept-a missed it, the leader gave it to dept-b, which
gave it to dept-c. dept-c is called, dept-b called it, station-1 assists; leader-a, who is in charge of dept-c, approves
what it asks for. The community has appealed, the other two that missed it have not. A neighbour reported another
incident in street 2, whose community was called ("joined"): it was merged into this one, whose answer may not be put
off since then.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from uuid import UUID

import pytest

from service.rules import access, lifecycle, sight
from service.rules.acts import Act, Draft
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Actor, Incident
from service.rules.words import Arrow, Role, State
from tests.rules import deciding
from tests.rules.builders import (
    ADMITTED_CATEGORY,
    COMMITTEE,
    COMMUNITY,
    DEPARTMENT,
    LEADER,
    NEVER,
    NEXT_COMMUNITY,
    OTHER_CELL,
    OTHER_COMMUNITY,
    OTHER_STREET,
    PEOPLE,
    SEEDS,
    SPECIAL,
    STATION,
    STREET,
    WORLD,
    a_unit,
    an_act,
    fired,
    later,
    reported,
    types,
)
from tests.rules.tables import CLOCKS, VERBS, refused, with_corrections

WHO = {
    "called": a_unit(NEVER),
    "member": Actor(Role.UNIT, "owners", unit="owners", member_of=NEVER, answers_for=("x", "u-01")),
    "caller": a_unit(SPECIAL),
    "missed": a_unit(DEPARTMENT),
    "former": a_unit(LEADER),
    "former_member": PEOPLE["firm"],
    "community": a_unit(COMMUNITY),
    "street": a_unit(STREET),
    "assisting": a_unit(STATION),
    "reporter": PEOPLE["reporter"],
    "follower": Actor(Role.REPORTER, "neighbour", area=OTHER_STREET),
    "joined": a_unit(OTHER_COMMUNITY),
    "ops": PEOPLE["ops"],
    "auditor": PEOPLE["auditor"],
    "colleague": PEOPLE["colleague"],
    "same_street": a_unit(COMMITTEE),
    "next_community": a_unit(NEXT_COMMUNITY),
    "other_street": a_unit(OTHER_STREET),
    "elsewhere": PEOPLE["elsewhere"],
}

IS_TO_IT = {
    "called": {"called_unit", "audience"},
    "member": {"member"},
    "caller": {"audience"},
    "missed": {"audience"},
    "former": {"audience"},
    "community": {"cell_community", "audience"},
    "street": {"cell_street", "audience"},
    "assisting": {"assisting", "audience"},
    "reporter": {"reporter", "area"},
    "follower": {"follower"},
    "joined": {"audience"},
    "ops": {"ops"},
    "auditor": {"auditor"},
    "colleague": {"area"},
}
"""Whoever is not here is nothing to it, though a unit of the same street."""

STAGES = ("calling", "asked", "answered", "on_hold", "resolved", "closed", "drawn")
"""In "asked" the call is answered and a hold is asked for: it waits to be decided. "drawn": closed unverified."""

MAY_NOW = """
               calling     asked      answered   on_hold    resolved   closed     drawn
called         bcdghist    cdhst      cdhixst    jt         t          t          t
member         b           -          -          -          -          -          -
caller         tu          tu         tu         tu         t          t          t
missed         vtu         vtu        vtu        vtu        vt         vt         vt
former         tu          yztu       tu         jtu        t          t          t
community      tu          tu         tu         tu         t          t          t
street         qrvtu       qrvtu      qrvtu      qrvtu      rvt        nrvt       nrvt
assisting      wetu        wetu       wetu       wetu       t          t          t
reporter       tu          tu         tu         tu         klrt       nrt        nrt
follower       tu          tu         tu         tu         lrt        nrt        nrt
joined         tu          tu         tu         tu         t          t          t
ops            qYZ         yzqYZ      qYZ        jqYZ       YZ         YZ         klYZ
"""

MAY_AT_ALL = {
    "called": "bcdghixjpsvt",
    "member": "b",
    "caller": "vtu",
    "missed": "vtu",
    "former": "vtu",
    "community": "klvtu",
    "street": "klnqrvtu",
    "assisting": "wevtu",
    "reporter": "klnortu",
    "follower": "lnrtu",
    "joined": "vtu",
    "ops": "hklqYZ",
}
"""In a state where it cannot be done these get 409 for it, everybody else 403. Who is not here may do nothing."""
RESOLVED = ("resolved", "closed", "drawn")
ASKED, APPROVERS = ("asked", "on_hold"), ("former", "ops")
"""The leader who is in charge of the called unit decides what it asks for, or ops."""

TOLD = {
    "b": ("answered", ["call.answered"]),
    "d": ("calling", ["call.raised", "call.opened"]),
    "g": ("calling", ["call.returned", "call.opened"]),
    "h": ("calling", ["call.assigned", "call.opened"]),
    "j": ("answered", ["incident.resumed"]),
    "k": ("closed", ["incident.closed"]),
    "l": ("calling", ["incident.rejected", "call.opened"]),
    "n": ("calling", ["incident.reopened", "call.opened"]),
    "o": ("closed", ["incident.closed"]),
    "q": ("closed", ["incident.closed"]),
    "R": (None, ["incident.corrected"]),
    "S": ("closed", ["incident.closed", *["call.exempted"] * 3]),
    "y": ("on_hold", ["incident.held"]),
    "i": (None, ["call.requested"]),
    "x": (None, ["call.requested"]),
    "z": (None, ["call.refused"]),
    "s": (None, ["call.assisted"]),
    "w": (None, ["call.part_done"]),
    "e": (None, ["call.declined"]),
    "r": (None, ["incident.rated"]),
    "v": (None, ["call.appealed"]),
    "Y": (None, ["call.exempted"]),
    "Z": (None, ["call.appeal_refused"]),
    "t": (None, ["incident.commented"]),
    "u": (None, ["incident.urged"]),
}
"""To which state it leads (None: as it was) and what is told; c depends on where it comes from."""
TOLD_OF_A_CHECK = {
    "k": ("closed", ["incident.checked"]),
    "l": ("calling", ["incident.checked", "incident.rejected", "call.opened"]),
}

AT = later(hours=6)
"""The third of them missed it just now."""
APPEALED, MISSED_BY = 1, {"street": 2, "missed": 3}
"""The call whose appeal waits, and the calls that two of them might still appeal against."""


def _does(incident: Incident, actor: Actor, act: Act) -> Incident:
    return deciding.decide(incident, act, actor, WORLD, AT).after


@cache
def _came_a_long_way() -> Incident:
    incident = fired(fired(fired(reported(category=ADMITTED_CATEGORY).after).after).after).after
    for by, to in ((LEADER, SPECIAL), (SPECIAL, NEVER)):
        incident = _does(incident, a_unit(by), Act(Arrow.ASSIGN, "yours", units=(to,)))
    incident = _does(incident, a_unit(NEVER), Act(Arrow.ASSIST, "help", units=(STATION,)))
    incident = _does(incident, a_unit(COMMUNITY), Act(Arrow.APPEAL, "no light", call=APPEALED))
    draft = Draft(OTHER_CELL, ADMITTED_CATEGORY, "neighbour")
    other = lifecycle.report(draft, WHO["follower"], WORLD, incident_id=UUID(int=2), number="n", now=AT).after
    merge = Act(Arrow.MERGE, "the same", into=incident.id)
    return deciding.merge(other, incident, merge, PEOPLE["ops"], WORLD, AT)[1].after


@cache
def _at(stage: str) -> Incident:
    incident, called = _came_a_long_way(), WHO["called"]
    if stage == "calling":
        return incident
    incident = _does(incident, called, an_act(Arrow.ANSWER))
    if stage in ("asked", "on_hold"):
        incident = _does(incident, called, an_act(Arrow.HOLD))
    if stage == "on_hold":
        return _does(incident, WHO["former"], an_act(Arrow.APPROVE))
    if stage in ("resolved", "closed", "drawn"):
        incident = _does(incident, called, an_act(Arrow.RESOLVE))
    if stage == "drawn":
        return fired(incident, seeds=SEEDS).after
    return _does(incident, WHO["reporter"], an_act(Arrow.ACCEPT)) if stage == "closed" else incident


def _cells() -> dict[tuple[str, str], str]:
    head, *rows = (line.split() for line in MAY_NOW.splitlines() if line)
    return {(row[0], stage): letters.strip("-") for row in rows for stage, letters in zip(head, row[1:], strict=True)}


NOW_CELLS = _cells()


def _act(letter: str, who: str, incident: Incident) -> Act:
    act = an_act(VERBS[letter], incident)
    if letter == "v":
        return replace(act, call=MISSED_BY.get(who, 99))  # a call that there is not
    if letter == "s":
        return replace(act, units=(COMMITTEE,))
    if letter == "h":
        return replace(act, units=(DEPARTMENT,))
    return replace(act, call=APPEALED) if letter in "YZ" else act


@pytest.mark.clause("API5:2023", "ASVS 8.2.1")
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("who", WHO)
def test_what_each_is_to_it_decides_what_they_may_do(who: str, stage: str) -> None:
    incident, actor = _at(stage), WHO[who]
    judged = {"resolver"} if who == "called" and stage in RESOLVED else set()
    gone = who == "member" and stage in RESOLVED  # with the open call of its parent
    decides = stage in ASKED and who in APPROVERS
    wanted = IS_TO_IT.get(who, set()) | judged | ({"approver"} if decides else set())
    assert access.relations(actor, incident) == (set() if gone else wanted)
    now, at_all = NOW_CELLS.get((who, stage), ""), MAY_AT_ALL.get(who, "") + ("yzj" if decides else "")
    now = with_corrections(now, who, stage)
    at_all = with_corrections(at_all, who)
    at_all = "" if gone else at_all
    offered = [VERBS[letter].value for letter in now if letter != "S"]  # a flood is ended for many at once
    assert list(deciding.allowed(incident, actor, WORLD, AT)) == offered
    for letter in VERBS:
        act = _act(letter, who, incident)
        if letter not in now:
            refused(incident, actor, act, IllegalTransition if letter in at_all else NotYours, offered, at=AT)
            continue
        decision = deciding.decide(incident, act, actor, WORLD, AT)
        resolved = ["incident.resolved"] if incident.state is State.ANSWERED else ["call.answered", "incident.resolved"]
        to_state, told = TOLD.get(letter, ("resolved", resolved))
        if stage == "drawn":
            to_state, told = TOLD_OF_A_CHECK.get(letter, (to_state, told))
        assert (decision.after.state, types(decision)) == (to_state or incident.state, told), letter
        assert {(event.by.subject, event.by.unit) for event in decision.events} == {(actor.subject, actor.unit)}


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("who", WHO)
def test_the_clocks_arrows_are_nobodys(who: str, stage: str) -> None:
    incident = _at(stage)
    offered = list(deciding.allowed(incident, WHO[who], WORLD, AT))
    for arrow in CLOCKS:
        refused(incident, WHO[who], Act(arrow), NotYours, offered, at=AT)


def test_the_table_is_about_everybody_and_the_story_is_as_it_says() -> None:
    incident = _at("calling")
    assert [call.unit for call in (*incident.earlier, incident.call)] == [
        COMMUNITY,
        STREET,
        DEPARTMENT,
        LEADER,
        SPECIAL,
        NEVER,
    ]
    assert (incident.call.from_unit, incident.assisting, incident.call.binding) == (SPECIAL, (STATION,), False)
    assert incident.audience == (
        *(COMMUNITY, STREET, DEPARTMENT, LEADER, SPECIAL, NEVER, STATION),
        *(OTHER_COMMUNITY, "@neighbour"),
    )
    assert {who for who, _ in NOW_CELLS} == set(MAY_AT_ALL) <= set(WHO)
    assert set(MAY_AT_ALL) == set(IS_TO_IT) - {"auditor", "colleague"}, "who only reads does nothing"


def test_what_a_subject_resolved_under_one_key_its_other_keys_do_not_see() -> None:
    """Lists and feeds know nothing of who resolved what: they must agree with `sees`."""
    elsewhere = Actor(Role.REPORTER, NEVER, area=OTHER_STREET)
    seen = {stage: sight.sees(elsewhere, _at(stage)) for stage in STAGES}
    assert set(seen.values()) == {False}
