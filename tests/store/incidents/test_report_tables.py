"""The database refuses what a report can never be."""

from __future__ import annotations

from typing import Any

import pytest

from service.store.database import Database
from service.store.incidents.report_tables import report
from tests.store.refusals import Case, refused_by, unproven
from tests.store.rows import good

pytestmark = pytest.mark.anyio

CASES: list[Case] = [
    ("source_pair", {"source_system": "12345"}),
    ("source_pair", {"source_ref": "7"}),
    ("idempotency_key", ({"idempotency_key": "k"}, {"idempotency_key": "k"})),
    ("source_key", ({"source_system": "s", "source_ref": "7"}, {"source_system": "s", "source_ref": "7"})),
]


def test_every_rule_has_a_case() -> None:
    assert unproven(report, CASES) == set()


@pytest.mark.parametrize(("rule", "changes"), CASES)
async def test_an_impossible_report_is_refused(database: Database, rule: str, changes: Any) -> None:
    rows = changes if isinstance(changes, tuple) else (changes,)
    assert await refused_by(database, report, *(good(report, **each) for each in rows)) == f"report_{rule}"


@pytest.mark.parametrize(
    "rows",
    [
        ({}, {"idempotency_key": "k"}, {"idempotency_key": "k", "subject": "colleague"}, {}),
        ({"source_system": "s", "source_ref": "7"}, {"source_system": "s", "source_ref": "8"}),
    ],
)
async def test_a_possible_report_is_stored(database: Database, rows: tuple[dict[str, Any], ...]) -> None:
    assert await refused_by(database, report, *(good(report, **each) for each in rows)) is None
