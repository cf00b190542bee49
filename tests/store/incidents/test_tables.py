"""The database refuses states that an incident, a call or a request can never be in."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Table

from service.store.database import Database
from service.store.incidents.tables import call, incident, request
from tests.store.refusals import Case, refused_by, unproven
from tests.store.rows import CLOSED, NOW, good

pytestmark = pytest.mark.anyio

ENDED = {"ended_at": NOW, "outcome": "raised"}
ANSWERED = {"answered_at": NOW, "resolve_by": NOW, "answer_us": 0}
RESOLVED = {**ANSWERED, "ended_at": NOW, "outcome": "resolved", "resolve_us": 0}
MISSED = {"ended_at": NOW, "outcome": "no_answer"}
APPROVED = {"decided_at": NOW, "outcome": "approved", "box": "answer"}


ONE = {"incident_id": UUID(int=1)}
CASES: dict[Table, list[Case]] = {
    incident: [
        ("state", {"state": "lost", "due_kind": None}),
        ("level", {"level": 0}),
        ("level", {"level": 5}),
        ("open_has_deadline", {"due_at": None}),
        ("open_has_deadline", {**CLOSED, "due_at": NOW}),
        ("deadline_of_state", {"due_kind": "resolve"}),
        ("deadline_of_state", {"state": "answered"}),
        ("deadline_of_state", {"state": "on_hold"}),
        ("deadline_of_state", {"state": "resolved"}),
        ("deadline_of_state", {**CLOSED, "due_kind": "verify"}),
        ("open_wakes", {"wake_at": None}),
        ("closed_sleeps", {**CLOSED, "wake_at": NOW}),
        ("closed", {**CLOSED, "closed_at": None, "closed_as": None}),
        ("closed", {**CLOSED, "closed_as": None}),
        ("closed", {"closed_at": NOW, "closed_as": "void"}),
        ("closed_as", {**CLOSED, "closed_as": "forgotten"}),
        ("reopen_when_closed", {"reopen_until": NOW}),
        ("merged", {**CLOSED, "closed_as": "merged"}),
        ("merged", {**CLOSED, "merged_into": UUID(int=2)}),
        ("rating", {**CLOSED, "rating": 0}),
        ("rating", {**CLOSED, "rating": 6}),
        ("mean", {**CLOSED, "rating": 5, "rating_mean": 501}),
        ("mean", {**CLOSED, "rating_mean": 350}),
    ],
    call: [
        ("ended", {"ended_at": NOW}),
        ("ended", {"outcome": "raised"}),
        ("answered", {"answered_at": NOW, "answer_us": 1}),
        ("answered", {"resolve_by": NOW}),
        ("took", {**ANSWERED, "answer_us": None}),
        ("took", {"answer_us": 5}),
        ("took", {**ANSWERED, "ended_at": NOW, "outcome": "resolved"}),
        ("took", {**ANSWERED, **ENDED, "resolve_us": 5}),
        ("outcome", {**ENDED, "outcome": "forgotten"}),
        ("late", {"late_s": 1.0, **ENDED}),
        ("ratings", {"rating": 0}),
        ("ratings", {"outcome_rating": 6}),
        ("mean", {**MISSED, "outcome_rating": 1, "outcome_mean": 99}),
        ("mean", {**MISSED, "outcome_mean": 350}),
        ("exempt", {"exempt": True}),
        ("credit", {**ENDED, "credit": "verified"}),
        ("credit", {"credit": "pending"}),
        ("credit", {**RESOLVED, "credit": "forgotten"}),
        ("accountable", {"accountable": "440105001"}),
        ("accountable", {"accountable_seq": 1}),
        ("open_key", ({**ONE, "seq": 1}, {**ONE, "seq": 2, "round": 2})),
        ("incident_id_level_round_key", ({**ONE, **ENDED, "seq": 1}, {**ONE, **ENDED, "seq": 2})),
        ("pkey", ({**ONE, **ENDED, "round": 1}, {**ONE, **ENDED, "round": 2})),
    ],
    request: [
        ("kind", {"kind": "leave"}),
        ("outcome", {"outcome": "forgotten", "decided_at": NOW}),
        ("decided", {"outcome": "refused"}),
        ("decided", {"decided_at": NOW}),
        ("box", {**APPROVED, "box": None}),
        ("box", {"box": "answer"}),
        ("resumed", {**APPROVED, "kind": "extend", "resumed_at": NOW}),
        ("open_key", ({**ONE, "n": 1}, {**ONE, "n": 2})),
    ],
}
ALLOWED: list[tuple[Table, tuple[dict[str, Any], ...]]] = [
    (incident, ({}, {"state": "answered", "due_kind": "resolve"}, {"state": "on_hold", "due_kind": "resume"})),
    (
        incident,
        (
            {"state": "resolved", "due_kind": "verify"},
            CLOSED,
            {**CLOSED, "reopen_until": NOW, "rating": 5, "rating_mean": 460},
        ),
    ),
    (incident, ({**CLOSED, "closed_as": "merged", "merged_into": UUID(int=2)}, {"wake_at": NOW - timedelta(days=9)})),
    (
        call,
        (
            {},
            ANSWERED,
            ENDED,
            {**ANSWERED, **ENDED},
            {**MISSED, "late_s": 0.5, "outcome_rating": 5, "outcome_mean": 467},
        ),
    ),
    (call, (RESOLVED, {**RESOLVED, "credit": "pending"}, {"accountable": "440105001", "accountable_seq": 1})),
    (call, ({**MISSED, "exempt": True}, {**ONE, **ENDED}, {**ONE, "seq": 2, "round": 2})),
    (request, ({}, APPROVED, {**APPROVED, "resumed_at": NOW}, {"outcome": "refused", "decided_at": NOW})),
    (request, ({**ONE, "outcome": "lapsed", "decided_at": NOW}, {**ONE, "n": 2})),
]


@pytest.mark.parametrize("table", CASES, ids=str)
def test_every_rule_has_a_case(table: Table) -> None:
    assert unproven(table, CASES[table]) == set()


@pytest.mark.parametrize(
    ("table", "rule", "changes"), [(table, *case) for table, cases in CASES.items() for case in cases]
)
async def test_an_impossible_state_is_refused(database: Database, table: Table, rule: str, changes: Any) -> None:
    rows = changes if isinstance(changes, tuple) else (changes,)
    assert await refused_by(database, table, *(good(table, **each) for each in rows)) == f"{table.name}_{rule}"


@pytest.mark.parametrize(("table", "rows"), ALLOWED)
async def test_a_possible_state_is_stored(database: Database, table: Table, rows: tuple[dict[str, Any], ...]) -> None:
    assert await refused_by(database, table, *(good(table, **each) for each in rows)) is None
