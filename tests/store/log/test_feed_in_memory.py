"""What a process filters in memory is what the database finds, for random events, filters and sights."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL

from service.rules.model import Actor
from service.rules.sight import EVERYTHING, sight_of
from service.rules.words import EventType, Role
from service.store.log import feed, marks
from service.store.log.feed import FeedFilter, NewEvent, lets_through
from service.store.log.marks import BEGINNING, LogPlace
from service.store.log.writing import Entry
from tests.conftest import clone
from tests.rules.builders import DEPARTMENT, UNITS
from tests.store.log.batches import NOW, seal, write
from tests.store.test_sight import CELLS, CODES, SUBJECTS, FilledDatabase, actors, areas, codes, sights

TYPES = (EventType.INCIDENT_COMMENTED, EventType.CALL_OPENED, EventType.CALL_MISSED, EventType.REGISTRY_IMPORTED)
BATCHES = 150
_T = TypeVar("_T")


def _an_entry(chance: random.Random, number: int) -> Entry:
    marks = [f"@{each}" for each in chance.sample(SUBJECTS, chance.randint(0, 2))]
    incident = UUID(int=number) if chance.random() < 0.8 else None
    return Entry(
        type=chance.choice(TYPES),
        at=NOW,
        area=chance.choice((*CELLS, CELLS[0][:6])),
        audience=(*chance.sample(CODES, chance.randint(0, 3)), *marks),
        data={"n": number},
        incident_id=incident,
        sequence=None if incident is None else 1,
        unit=chance.choice((None, *UNITS)),
    )


class Log(FilledDatabase):
    """A log of random events, in the database and in memory."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        super().__init__(url, runner)
        self.end = self.read(marks.end).position
        self.kept = self.read(lambda connection: feed.between(connection, BEGINNING, self.end))

    async def _fill(self) -> None:
        chance = random.Random(15)
        for number in range(BATCHES):
            many = chance.randint(1, 4)
            await write(self._database, [_an_entry(chance, 10 * number + each) for each in range(1, many + 1)])
        await seal(self._database)


@pytest.fixture(scope="module")
def log(server: URL, templates: dict[str, str]) -> Iterator[Log]:
    with asyncio.Runner() as runner:
        for url in clone(server, templates["empty"]):
            log = Log(url, runner)
            yield log
            log.close()


filters = st.builds(
    FeedFilter,
    sights | actors.map(sight_of),
    st.lists(st.sampled_from(TYPES), max_size=2, unique=True).map(tuple),
    st.none() | codes,
    st.none() | areas,
)


@settings(max_examples=400)
@given(filters=filters, after=st.integers(0, 400))
def test_memory_and_database_let_the_same_events_through(log: Log, filters: FeedFilter, after: int) -> None:
    after = min(after, log.end)
    page = log.read(lambda connection: feed.read(connection, after, 10_000, filters))
    kept = [each.stored for each in log.kept if each.position > after and lets_through(filters, each)]
    assert list(page.events) == kept


@settings(max_examples=50)
@given(after=st.integers(0, 300), many=st.integers(1, 50))
def test_a_stretch_has_every_position_once(log: Log, after: int, many: int) -> None:
    """From any position up to the end of any batch."""
    ends = [
        each.position for each, following in zip(log.kept, [*log.kept[1:], None], strict=True) if _ends(each, following)
    ]
    until = next(end for end in ends if end >= min(after + many, log.end))
    found = log.read(lambda connection: feed.between(connection, LogPlace(after), until))
    assert [each.position for each in found] == list(range(after + 1, until + 1))
    assert found == log.kept[after:until]


def _ends(each: NewEvent, following: NewEvent | None) -> bool:
    return following is None or following.stored.batch_id != each.stored.batch_id


def test_the_filters_let_some_through_and_not_all(log: Log) -> None:
    """A test of agreement proves little where everything or nothing passes."""
    worker = sight_of(Actor(Role.REPORTER, "worker", area=CELLS[0][:9]))
    for some in (
        FeedFilter(worker),
        FeedFilter(worker, TYPES[:1]),
        FeedFilter(EVERYTHING, (), DEPARTMENT, CELLS[0][:9]),
    ):
        assert 0 < sum(lets_through(some, each) for each in log.kept) < len(log.kept)
