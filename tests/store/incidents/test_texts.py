"""What is to be erased is found by an index that holds nothing else, and no place of words is forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import JSON, Text, text

from service.store import schema
from service.store.database import Database
from service.store.incidents import texts
from service.store.incidents.texts import ClosePlace
from tests.store import plans

pytestmark = pytest.mark.anyio

CLOSED_AT = datetime(2026, 11, 23, 1, tzinfo=UTC)
NO_WORDS = {
    "report": {
        *("subject", "reporter", "idempotency_key", "source_system", "source_ref", "kind", "urgency", "urgency_asked"),
        *("location", "attachments", "as_reported"),
    },
    "incident": {
        *("number", "kind", "state", "urgency", "reporter", "policy_code", "due_kind", "closed_as"),
    },
    "call": {
        *("cause", "ground", "clock", "ended_by", "outcome", "end_code", "urgency", "credit", "outcome_ratings"),
    },
    "request": {"kind", "asked_by", "decided_by", "outcome", "box"},
    "event": {"type", "subject", "idempotency_key"},
    "event_archive": {"type", "subject", "idempotency_key"},
}
"""Columns of text and documents that hold codes, names of actors and keys, and no words."""


@pytest.mark.parametrize("name", NO_WORDS)
def test_every_place_of_words_is_in_the_list(name: str) -> None:
    """Whoever adds a column of text to one of these tables says here, or in the list of places, what it holds."""
    table = schema.metadata.tables[name]
    columns = {each.name for each in table.columns if isinstance(each.type, JSON) or type(each.type) is Text}
    columns -= {each.name for each in table.columns if getattr(each.type, "collation", None) == "C"}
    found: set[str] = set()
    for place in texts.PLACES:
        if place.table is table:
            values: Any = getattr(place, "_values", None) or ()
            found |= {getattr(each, "name", each) for each in values}
    assert columns - found == NO_WORDS[name]


async def fill(database: Database, count: int, *, has_texts: bool, days: int) -> None:
    """Closed incidents, a day apart, the last of them `days` after the first moment."""
    async with database.begin() as tx:
        await tx.execute(
            text(
                "INSERT INTO incident (id, number, district, kind, state, level, unit, grid_code, category, urgency, "
                "reporter, policy_code, policy_version, reported_at, updated_at, seq, version, sequence, calls_at, "
                "audience, closed_at, closed_as, has_texts) "
                "SELECT gen_random_uuid(), n::text, '440105', 'incident', 'closed', 1, '440105003001', "
                "'440105003001001', 'u', 'normal', 'w', 'p', 1, :at, :at, 1, 1, 1, '{1,0,0,0}', '{}', "
                "CAST(:at AS timestamptz) + n * interval '1 minute' + :days * interval '1 day', 'verified', :has "
                "FROM generate_series(1, :count) n"
            ),
            {"at": CLOSED_AT, "count": count, "has": has_texts, "days": days},
        )


async def test_what_is_due_is_found_whatever_lies_beside(database: Database) -> None:
    await fill(database, 20_000, has_texts=False, days=-400)
    await fill(database, 20_000, has_texts=True, days=400)
    await fill(database, 50, has_texts=True, days=-1)
    await plans.vacuum(database)
    async with database.begin() as tx:
        sent: list[Any] = await plans.statements(tx, texts.claim(tx, CLOSED_AT, 10))
        plan = await plans.plan_of(tx, sent[0], analyze=True)
        assert {node.get("Index Name") for node in plans.nodes(plan)} >= {"incident_texts_idx"}
        assert plans.rows_looked_at(plan) <= 20


async def test_pages_go_on_and_pass_over_what_others_hold(database: Database) -> None:
    await fill(database, 10, has_texts=True, days=-1)
    async with database.begin() as one, database.begin() as other:
        mine = await texts.claim(one, CLOSED_AT, 4)
        theirs = await texts.claim(other, CLOSED_AT, 4)
        assert len({*mine, *theirs}) == 8 and max(mine) < min(theirs)
        assert len(await texts.claim(one, CLOSED_AT, 4, theirs[-1])) == 2
        assert await texts.claim(one, CLOSED_AT - timedelta(days=2), 4, ClosePlace(*mine[0])) == []


async def test_every_place_is_found_by_an_index(database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(text("SET LOCAL enable_seqscan = off"))
        sent = await plans.statements(tx, texts.erase(tx, [UUID(int=1), UUID(int=2)], CLOSED_AT))
        assert len(sent) == len(texts.PLACES) + 2, "the lock, and what became of the incident"
        for each in sent:
            kinds = {node["Node Type"] for node in plans.nodes(await plans.plan_of(tx, each))}
            assert "Seq Scan" not in kinds, each[0]
