"""The database refuses keys that nobody could be let in with."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from service.store.access.tables import access_key
from service.store.database import Database
from tests.store.refusals import Case, refused_by, unproven

pytestmark = pytest.mark.anyio

CASES: list[Case] = [
    ("role", {"role": "mayor"}),
    ("unit_of_role", {"role": "unit"}),
    ("unit_of_role", {"role": "reporter", "unit": "440105003"}),
    ("area_of_role", {"role": "ops", "area": "440105"}),
    ("unit_of_role", {"role": "security", "unit": "440105003"}),
    ("area_of_role", {"role": "unit", "unit": "440105003", "area": "440105003"}),
    ("digest_key", ({"digest": b"same"}, {"digest": b"same"})),
    ("pkey", ({"id": UUID(int=1)}, {"id": UUID(int=1)})),
]


def _good() -> dict[str, Any]:
    made = {"id": uuid4(), "digest": uuid4().bytes, "created_at": datetime(2026, 11, 23, 1, tzinfo=UTC)}
    return {**made, "role": "reporter", "subject": "worker"}


def test_every_rule_has_a_case() -> None:
    assert unproven(access_key, CASES) == set()


@pytest.mark.parametrize(("rule", "changes"), CASES)
async def test_an_impossible_key_is_refused(database: Database, rule: str, changes: Any) -> None:
    rows = changes if isinstance(changes, tuple) else (changes,)
    assert await refused_by(database, access_key, *({**_good(), **each} for each in rows)) == f"access_key_{rule}"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"area": "440105003"},
        {"role": "unit", "unit": "440105003"},
        {"role": "auditor"},
        {"role": "ops"},
        {"role": "security"},
    ],
)
async def test_every_role_can_have_a_key(database: Database, changes: dict[str, Any]) -> None:
    assert await refused_by(database, access_key, {**_good(), **changes}, _good()) is None
