"""The letters the hand-written tables of `test_transitions` and `test_relations` are made of, and how to read them."""

from __future__ import annotations

from datetime import datetime

import pytest

from service.rules.acts import Act
from service.rules.errors import IllegalTransition, NotYours
from service.rules.model import Actor, Incident
from service.rules.words import Arrow
from tests.rules import deciding
from tests.rules.builders import NOW, WORLD

VERBS = {
    "b": Arrow.ANSWER,
    "c": Arrow.RESOLVE,
    "d": Arrow.RAISE,
    "g": Arrow.RETURN,
    "h": Arrow.ASSIGN,
    "i": Arrow.HOLD,
    "x": Arrow.EXTEND,
    "y": Arrow.APPROVE,
    "z": Arrow.REFUSE,
    "j": Arrow.RESUME,
    "k": Arrow.ACCEPT,
    "l": Arrow.REJECT,
    "n": Arrow.REOPEN,
    "o": Arrow.WITHDRAW,
    "p": Arrow.VOID,
    "q": Arrow.MERGE,
    "R": Arrow.CORRECT,
    "S": Arrow.FLOOD,
    "s": Arrow.ASSIST,
    "w": Arrow.PART_DONE,
    "e": Arrow.DECLINE,
    "r": Arrow.RATE,
    "v": Arrow.APPEAL,
    "Y": Arrow.APPROVE_APPEAL,
    "Z": Arrow.REFUSE_APPEAL,
    "t": Arrow.COMMENT,
    "u": Arrow.URGE,
}
"""In the order in which they are offered. b to q are the contract's own letters, but for e, which
is the clock's there, and for x, y and z, which are of i."""
CLOCKS = (Arrow.NO_ANSWER, Arrow.NOT_RESOLVED, Arrow.VERIFY_TIMEOUT, Arrow.WARNED, Arrow.RESCHEDULED)


_PUT_RIGHT = {**dict.fromkeys(("street", "street_reporting"), "R"), **dict.fromkeys(("ops", "ops_reporting"), "RS")}
"""r and s: who may use them at all."""


def with_corrections(letters: str, who: str, state: str | None = None) -> str:
    """The letters of a cell, and those of r and s: they depend on nothing but who it is and the state (None: on none).
    A closed incident has no call here that a flood could exempt."""
    possible = {"calling": "RS", "asked": "RS", "answered": "RS", "on_hold": "S", None: "RS"}.get(state, "")
    own = [letter for letter in _PUT_RIGHT.get(who, "") if letter in possible]
    return "".join(sorted([*letters, *own], key=list(VERBS).index))


def cells(table: str) -> dict[tuple[str, ...], str]:
    """(state, who, level) or (who, level) → letters; as many columns as the table has levels."""
    found = {}
    for line in filter(None, table.splitlines()):
        *key, one, two, three, four = line.split()
        for level, letters in enumerate((one, two, three, four), start=1):
            found[(*key, str(level))] = letters.strip("-")
    return found


def refused(
    incident: Incident, actor: Actor, act: Act, error: type[Exception], offered: list[str], *, at: datetime = NOW
) -> None:
    """It is refused in this way, nothing has changed, and a person is told what else there is to do."""
    before = repr(incident)
    with pytest.raises(error) as refusal:
        deciding.decide(incident, act, actor, WORLD, at)
    assert repr(incident) == before
    if isinstance(refusal.value, IllegalTransition):
        assert (refusal.value.state, list(refusal.value.allowed)) == (incident.state.value, offered)
    else:
        assert type(refusal.value) is NotYours
