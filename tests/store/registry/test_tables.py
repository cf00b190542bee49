"""The database refuses a registry that contradicts itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table

from service.store.database import Database
from service.store.registry import tables
from tests.store.refusals import Case, refused_by, unproven

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
BY = {"kind": "ops"}
DUTY = {"title": "环卫", "category": "urban", "area": "440105", "lead_unit": "dept", "assisting": [], "basis": "三定"}
APPROVED = {"approved_by": BY, "approved_at": NOW, "valid_from": NOW}
REFUSED = {"refused_by": BY, "refused_at": NOW, "refused_reason": "no"}
DATED: list[Case] = [
    ("validity", {"valid_to": NOW - timedelta(seconds=1)}),
    ("current_key", ({}, {"valid_from": LATER})),
    ("pkey", ({"valid_to": NOW}, {"valid_to": LATER})),
]
GOOD: dict[Table, dict[str, Any]] = {
    tables.deployment: {"only": True, "cursor_secret": b"s"},
    tables.line: {"code": "urban", "name": "环卫"},
    tables.unit: {"code": "u", "valid_from": NOW, "name": "u", "kind": "street", "covers": [], "in_charge_of": []},
    tables.cell: {"code": "440105003001001", "valid_from": NOW, "name": "c", "community": "440105003001"},
    tables.category: {"code": "urban", "valid_from": NOW, "name": "u", "line": "urban", "urgency": "normal"},
    tables.duty: {"code": "d", "valid_from": NOW, **DUTY},
    tables.duty_proposal: {"code": "d", **DUTY, "proposed_by": BY, "proposed_at": NOW},
    tables.policy: {"code": "p", "version": 1, "title": "p", "document": {}, "created_at": NOW, "created_by": BY},
    tables.policy_activation: {"at": NOW, "code": "p", "version": 1, "activated_at": NOW, "activated_by": BY},
    tables.calendar_day: {
        **{"calendar": "cn", "day": date(2026, 10, 1), "workday": False, "source": "gov.cn", "changed_at": NOW}
    },
}
CASES: dict[Table, list[Case]] = {
    tables.deployment: [("one_row", {"only": False}), ("pkey", {})],
    tables.line: [("pkey", ({}, {}))],
    tables.unit: DATED,
    tables.cell: [*DATED, ("code_in_community", {"community": "440105003002"})],
    tables.category: DATED,
    tables.duty: DATED,
    tables.duty_proposal: [
        ("approved", {"approved_at": NOW, "valid_from": NOW}),
        ("approved", {"approved_by": BY}),
        ("approved", {"valid_from": NOW}),
        ("not_in_the_past", {**APPROVED, "valid_from": NOW - timedelta(seconds=1)}),
        ("validity", {**APPROVED, "valid_to": NOW}),
        ("refused", {"refused_at": NOW, "refused_by": BY}),
        ("refused", {"refused_reason": "no"}),
        ("decided_once", {**APPROVED, **REFUSED}),
        ("open_key", ({}, {})),
    ],
    tables.policy: [("pkey", ({}, {}))],
    tables.policy_activation: [("code_version_fkey", {"version": 2})],
    tables.calendar_day: [("pkey", ({}, {"workday": True}))],
}
ALLOWED: list[tuple[Table, tuple[dict[str, Any], ...]]] = [
    *((table, ({"valid_to": NOW}, {"valid_from": LATER})) for table, cases in CASES.items() if DATED[0] in cases),
    (tables.duty_proposal, (APPROVED, REFUSED, {}, {"code": "e"})),
    (tables.duty_proposal, ({**APPROVED, "valid_to": LATER}, {"valid_to": NOW})),
    (tables.calendar_day, ({}, {"day": date(2026, 10, 2)}, {"calendar": "gz"})),
]


def test_every_table_and_every_rule_has_a_case() -> None:
    declared = {table for table in vars(tables).values() if isinstance(table, Table)}
    assert declared == set(CASES)
    assert {table.name: unproven(table, cases) for table, cases in CASES.items()} == {t.name: set() for t in CASES}


@pytest.mark.parametrize(
    ("table", "rule", "changes"), [(table, *case) for table, cases in CASES.items() for case in cases]
)
async def test_an_impossible_row_is_refused(database: Database, table: Table, rule: str, changes: Any) -> None:
    rows = changes if isinstance(changes, tuple) else (changes,)
    assert await refused_by(database, table, *({**GOOD[table], **each} for each in rows)) == f"{table.name}_{rule}"


@pytest.mark.parametrize(("table", "rows"), ALLOWED)
async def test_a_possible_row_is_stored(database: Database, table: Table, rows: tuple[dict[str, Any], ...]) -> None:
    assert await refused_by(database, table, *({**GOOD[table], **each} for each in rows)) is None
