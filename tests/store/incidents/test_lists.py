"""Pages of the list of incidents: each filter, the order, the place to go on from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.engine import URL

from service.rules.decisions import Decision, Event
from service.rules.model import By, Incident
from service.rules.sight import EVERYTHING, NOTHING, Heard, OwnOnly, Sight
from service.rules.words import ClosedAs, EventType, Kind, Level, State, Urgency
from service.store import bulk
from service.store.database import Database
from service.store.incidents import lists, reports, saving, stretches
from service.store.incidents.lists import IncidentFilter
from service.store.incidents.reports import Report
from service.store.incidents.tables import request
from tests.conftest import clone
from tests.rules.builders import CELL, NEXT_CELL, NOW, OTHER_CELL, an_incident, later
from tests.store.rows import good, store

pytestmark = pytest.mark.anyio


def numbered(n: int, state: State = State.CALLING, level: Level = Level.COMMUNITY, **fields: Any) -> Incident:
    """An incident of which `n` says which it is, reported `n` hours after the first."""
    at = NOW + timedelta(hours=n)
    return an_incident(state, level)._replace(**{"id": UUID(int=n), "number": str(n), "reported_at": at, **fields})


INCIDENTS = (
    numbered(1),
    numbered(2, level=Level.STREET, grid_code=NEXT_CELL, category="u-0201", urgency=Urgency.URGENT),
    numbered(3, State.ANSWERED, grid_code=OTHER_CELL, reporter="elsewhere", category="u_0201", audience=("bureau",)),
    numbered(4, State.RESOLVED, due_at=later(days=40), kind=Kind.SUGGESTION, category="x"),
    numbered(5, State.CLOSED, updated_at=later(days=9), closed_as=ClosedAs.UNVERIFIED, drawn=True),
    numbered(6, State.CALLING, reported_at=NOW + timedelta(hours=5)),  # in the same moment as the fifth
)
OPEN = ("calling", "answered", "on_hold", "resolved")
LINES = {2: "water", 4: "water"}


@pytest.fixture(scope="module")
def filled(server: URL, templates: dict[str, str]) -> Iterator[str]:
    for url in clone(server, templates["empty"]):
        asyncio.run(fill(url, INCIDENTS))
        yield url


async def fill(url: str, incidents: Sequence[Incident]) -> None:
    """Store these incidents, each with its report and its last call."""
    database = Database(url, pool_size=1)
    plain = Report("somebody", b"", "words", None, None, None, None, None, False, (), None)
    points = {1: (23.1, 113.3), 2: (23.2, 113.4)}
    async with database.begin() as tx:
        written = []
        for each in incidents:
            lat, lon = points.get(each.id.int, (None, None))
            written.append((each, replace(plain, lat=lat, lon=lon), LINES.get(each.id.int, "urban")))
        await bulk.insert_rows(tx, *reports.new_rows(written))
        await saving.save(tx, [_new(each) for each in incidents])
    await database.close()


def _new(incident: Incident) -> Decision:
    event = Event(EventType.INCIDENT_REPORTED, 1, NOW, incident, 1, By("reporter", incident.reporter))
    return Decision(None, incident, (), incident.call, (event,))


@pytest.fixture
async def stored(filled: str) -> AsyncIterator[Database]:
    database = Database(filled, pool_size=1)
    yield database
    await database.close()


async def _found(database: Database, sight: Sight = EVERYTHING, **filters: Any) -> list[int]:
    async with database.read() as connection:
        page = await lists.page(connection, IncidentFilter(**filters), sight, None, 50)
    assert page.next_place is None
    return [row["id"].int for row in page.rows]


async def test_newest_first_and_by_id_within_a_moment(stored: Database) -> None:
    assert await _found(stored) == [6, 5, 4, 3, 2, 1]


async def test_pages_go_on_where_the_last_one_ended(stored: Database) -> None:
    found: list[int] = []
    after = None
    while after is not None or not found:
        async with stored.read() as connection:
            page = await lists.page(connection, IncidentFilter(), EVERYTHING, after, 1)
        found += [row["id"].int for row in page.rows]
        after = page.next_place
    assert found == [6, 5, 4, 3, 2, 1]


FILTERED: list[tuple[dict[str, Any], list[int]]] = [
    ({"states": ("calling", "closed")}, [6, 5, 2, 1]),
    ({"level": 2}, [2]),
    ({"unit": "440105001"}, [2]),
    ({"area": OTHER_CELL[:9]}, [3]),
    ({"area": CELL[:9]}, [6, 5, 4, 2, 1]),
    ({"area": "4"}, [6, 5, 4, 3, 2, 1]),
    ({"category": "u-02"}, [2]),
    ({"category": "u_"}, [3]),  # an underscore is itself, not any character
    ({"category": "%"}, []),
    ({"line": "water"}, [4, 2]),
    ({"urgency": "urgent"}, [2]),
    ({"kind": "suggestion"}, [4]),
    ({"reporter": "elsewhere"}, [3]),
    ({"reported_after": NOW + timedelta(hours=5)}, [6, 5]),
    ({"reported_before": NOW + timedelta(hours=2)}, [1]),
    ({"updated_after": later(days=9)}, [5]),
    ({"updated_after": later(days=9), "is_recent": True}, [5]),
    ({"updated_after": later(days=9), "is_recent": True, "states": ("calling",)}, []),
    ({"states": ("calling", "answered")}, [6, 3, 2, 1]),
    ({"states": ("answered", "resolved"), "unit": "440105001003"}, []),
    ({"states": ("calling",), "unit": "440105001"}, [2]),
    ({"area": CELL}, [6, 5, 4, 1]),
    ({"overdue_at": later(days=39)}, [6, 3, 2, 1]),
    ({"not_overdue_at": later(days=39)}, [5, 4]),  # a closed incident is never overdue
    ({"line": "water", "urgency": "urgent", "states": ("calling",)}, [2]),
    ({"unit": "nobody"}, []),
    ({"drawn": True}, [5]),
    ({"drawn": False}, [6, 4, 3, 2, 1]),
    ({"drawn": True, "states": ("calling",)}, []),
    ({"drawn": False, "states": OPEN, "level": 2}, [2]),
    ({"drawn": True, "reported_after": NOW + timedelta(hours=5), "area": CELL[:9]}, [5]),
    ({"drawn": True, "reported_before": NOW + timedelta(hours=5)}, []),
    ({"drawn": True, "line": "water"}, []),
]


@pytest.mark.parametrize(("filters", "expected"), FILTERED)
async def test_each_filter_narrows_the_list(stored: Database, filters: dict[str, Any], expected: list[int]) -> None:
    assert await _found(stored, **filters) == expected


async def test_what_waits_is_found_by_its_approver(stored: Database) -> None:
    """An open request of each of these incidents waits for somebody; what was decided waits no more."""
    asked: list[dict[str, Any]] = [
        {"incident_id": UUID(int=1), "approver": "a"},
        {"incident_id": UUID(int=2), "approver": "a"},
        {"incident_id": UUID(int=3), "approver": "b"},
        {"incident_id": UUID(int=4), "approver": "a", "outcome": "refused", "decided_at": NOW},
        {"incident_id": UUID(int=6)},
    ]
    await store(stored, request, *({**good(request), **each} for each in asked))
    assert await _found(stored, waits=True, approver="a") == [2, 1]
    assert await _found(stored, waits=True, approver="a", level=2) == [2]
    assert await _found(stored, waits=True, approver="a", sight=NOTHING) == []
    assert await _found(stored, waits=True) == [6]
    assert await _found(stored, waits=True, ended=("b", "c")) == [6, 3]
    assert await _found(stored, waits=True, approver="") == []


@pytest.fixture
def short_walks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Walks that end after two rows, so that six incidents are a long history."""
    lists._statements.cache_clear()
    monkeypatch.setattr(stretches, "SCAN", 2)
    yield
    lists._statements.cache_clear()


async def _walked(database: Database, limit: int, sight: Sight = EVERYTHING, **filters: Any) -> list[int]:
    """What is found by whoever goes on until there is no next place. No page looks at more than it may."""
    found: list[int] = []
    after = None
    for _ in range(20):
        async with database.read() as connection:
            page = await lists.page(connection, IncidentFilter(**filters), sight, after, limit)
        found += [row["id"].int for row in page.rows]
        if page.next_place is None:
            return found
        assert after is None or page.next_place < after
        after = page.next_place
    raise AssertionError("the list has no end")


@pytest.mark.usefixtures("short_walks")
@pytest.mark.parametrize("limit", [1, 2, 50])
@pytest.mark.parametrize(("filters", "expected"), FILTERED)
async def test_a_long_history_is_listed_stretch_by_stretch(
    stored: Database, filters: dict[str, Any], expected: list[int], limit: int
) -> None:
    assert await _walked(stored, limit, **filters) == expected


@pytest.mark.clause("API4:2023")
@pytest.mark.usefixtures("short_walks")
async def test_a_page_looks_no_further_than_its_walk(stored: Database) -> None:
    async with stored.read() as connection:
        page = await lists.page(connection, IncidentFilter(category="u-02"), EVERYTHING, None, 50)
    assert page.rows == [] and page.next_place is not None
    assert page.next_place[1].int == 5, "the second of six"


@pytest.mark.usefixtures("short_walks")
@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_open_ones_that_one_reported_and_that_one_heard(stored: Database, limit: int) -> None:
    """What a unit without an area has reported is walked through; what it was called to lies all over that walk."""
    for tokens, expected in (((), [6, 4, 2, 1]), (("bureau",), [6, 4, 3, 2, 1])):
        sight = (Heard(tokens), OwnOnly("worker"))
        assert await _walked(stored, limit, sight, states=OPEN) == expected, tokens


async def test_overdue_is_strictly_past_the_deadline(stored: Database) -> None:
    assert 4 not in await _found(stored, overdue_at=later(days=40))
    assert 4 in await _found(stored, overdue_at=later(days=40) + timedelta(microseconds=1))
    assert 4 in await _found(stored, not_overdue_at=later(days=40))


async def test_filters_never_widen_a_sight(stored: Database) -> None:
    assert await _found(stored, (OwnOnly("elsewhere"),)) == [3]
    assert await _found(stored, (OwnOnly("elsewhere"),), area=CELL[:9]) == []
    assert await _found(stored, NOTHING) == []


async def test_open_ones_have_a_line_a_place_and_a_time(stored: Database) -> None:
    async def found(cells: list[str], line: str, since: int, until: int) -> list[int]:
        span = NOW + timedelta(hours=since), NOW + timedelta(hours=until)
        async with stored.read() as connection:
            rows = await lists.open_ones(connection, cells, line, *span, EVERYTHING)
        return [row["id"].int for row in rows]

    assert await found([CELL], "urban", 0, 9) == [6, 1], "the fifth is closed"
    assert await found([CELL, NEXT_CELL], "water", 0, 9) == [4, 2]
    assert await found([CELL], "urban", 1, 1) == [1], "both ends are inside"
    assert await found([CELL], "urban", 2, 4) == []
    assert await found([], "urban", 0, 9) == []
