"""Pages of a unit's queue: what it is called for and what it assists in, soonest deadline first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import RowMapping
from sqlalchemy.engine import URL

from service.rules.sight import EVERYTHING, NOTHING, Sight, Within
from service.rules.words import State
from service.store.database import Database
from service.store.incidents import queue_pages
from tests.conftest import clone
from tests.rules.builders import CELL, OTHER_CELL, later
from tests.store.incidents.test_lists import fill, numbered

pytestmark = pytest.mark.anyio

UNIT, OTHER = "dept-a", "dept-b"
OPEN = (State.CALLING, State.ANSWERED, State.ON_HOLD)
INCIDENTS = (
    numbered(1, unit=UNIT, due_at=later(days=3)),
    numbered(2, State.ANSWERED, unit=OTHER, assisting=(UNIT, "dept-c"), due_at=later(days=1)),
    numbered(3, unit=UNIT, due_at=later(days=1), grid_code=OTHER_CELL),
    numbered(4, State.RESOLVED, unit=UNIT, due_at=later(days=2)),
    numbered(5, State.CLOSED, unit=UNIT),
    numbered(6, unit=OTHER, due_at=later(days=1)),
    numbered(7, State.ON_HOLD, unit=UNIT, due_at=later(days=5)),
)


@pytest.fixture(scope="module")
def filled(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["empty"]):
        asyncio.run(fill(url, INCIDENTS))
        yield url


@pytest.fixture
async def stored(filled: str) -> AsyncIterator[Database]:
    database = Database(filled, pool_size=1)
    yield database
    await database.close()


async def _page(
    database: Database,
    unit: str = UNIT,
    states: Sequence[State] = OPEN,
    after: Any = None,
    limit: int = 50,
    sight: Sight = EVERYTHING,
) -> Sequence[RowMapping]:
    async with database.read() as connection:
        return await queue_pages.page(connection, unit, states, after, limit, sight=sight)


def _ids(rows: Sequence[RowMapping]) -> list[int]:
    return [row["id"].int for row in rows]


async def test_soonest_first_called_and_assisting_together(stored: Database) -> None:
    assert _ids(await _page(stored)) == [2, 3, 1, 7]
    assert _ids(await _page(stored, OTHER)) == [2, 6]
    assert _ids(await _page(stored, "dept-c")) == [2]
    assert _ids(await _page(stored, "nobody")) == []


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ((State.CALLING,), [3, 1]),
        ((State.ANSWERED,), [2]),
        ((State.ON_HOLD, State.RESOLVED), [4, 7]),
        ((State.CLOSED,), []),
    ],
)
async def test_a_queue_in_some_states(stored: Database, states: tuple[State, ...], expected: list[int]) -> None:
    assert _ids(await _page(stored, states=states)) == expected


async def test_pages_go_on_within_the_same_deadline(stored: Database) -> None:
    found: list[int] = []
    after = None
    while rows := await _page(stored, after=after, limit=1):
        found += _ids(rows)
        after = rows[0]["due_at"], rows[0]["id"]
    assert found == [2, 3, 1, 7]


async def test_a_sight_leaves_out_what_it_does_not_grant(stored: Database) -> None:
    assert _ids(await _page(stored, sight=(Within(CELL[:9]),))) == [2, 1, 7]
    assert _ids(await _page(stored, sight=NOTHING)) == []


@pytest.mark.parametrize("sight", [EVERYTHING, (Within(CELL[:9]),), NOTHING])
async def test_versions_are_those_of_all_pages(stored: Database, sight: Sight) -> None:
    rows = await _page(stored, sight=sight)
    async with stored.read() as connection:
        found = await queue_pages.versions(connection, UNIT, OPEN, sight=sight)
    assert found == sorted((row["id"], row["version"]) for row in rows)
