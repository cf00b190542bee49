"""The rule of sight in SQL against the pure rule, row by row: lists, queues, the feed and figures."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import sight as rule
from service.rules import workers
from service.rules.decisions import Decision, Event
from service.rules.figures.definition import Grouping, Measure, Period
from service.rules.model import Actor, By, Incident
from service.rules.sight import (
    EVERYTHING,
    IN_CONFIDENCE,
    Everywhere,
    Heard,
    Member,
    NoIncident,
    OfWorkers,
    OwnOnly,
    Sight,
    Within,
)
from service.rules.words import EventType, Role, State
from service.store import bulk
from service.store.database import Database
from service.store.figures import tallies
from service.store.figures.tallies import CallFilter
from service.store.incidents import lists, queue_pages, reports, saving
from service.store.incidents.lists import IncidentFilter
from service.store.incidents.reports import Report
from service.store.log import feed, numbering, writing
from service.store.log.feed import FeedFilter
from service.store.log.writing import Entry
from tests.conftest import clone
from tests.rules.builders import CELL, DEPARTMENT, FIRM, NEXT_CELL, NOW, OTHER_CELL, UNITS, an_incident

CELLS = (CELL, NEXT_CELL, OTHER_CELL, "440106001001001")
SUBJECTS = ("worker", "colleague", "worker/li", "worker/%", DEPARTMENT, CELL[:9])
"""Two people, two workers of one of them, and two whose subject reads like the code of a unit."""
CODES = (*UNITS, "nobody")
CATEGORIES = ("u", "u-01", "u-0101", "u_01", "%", "v")
"""Prefixes of categories, and what only looks like one."""
AREAS = (CELL[:9], CELL[:12], NEXT_CELL[:12], OTHER_CELL[:9], CELL[:6], CELL[:7], "44", "9", CELL)
INCIDENTS, OPEN = 240, (State.CALLING, State.ANSWERED, State.ON_HOLD, State.RESOLVED)
MONTH = Period(2026, 11)
_T = TypeVar("_T")


def _an_incident(chance: random.Random, number: int) -> Incident:
    """An incident of any cell, reporter and audience, in any state; three units that assist are in its audience."""
    plain = an_incident(chance.choice(list(State)))
    unit, *assisting = chance.sample(CODES, chance.randint(1, 4))
    marks = [mark for each in chance.sample(SUBJECTS, chance.randint(0, 2)) for mark in workers.tokens_of(each)]
    return plain._replace(
        id=UUID(int=number),
        grid_code=chance.choice(CELLS),
        category=chance.choice(("u-0101", "u-0202", "v")),
        reporter=chance.choice(SUBJECTS),
        confidential=chance.random() < 0.3,
        unit=unit,
        assisting=tuple(assisting),
        audience=(unit, *assisting, *chance.sample(CODES, chance.randint(0, 2)), *marks),
        call=plain.call._replace(unit=chance.choice((unit, *CODES))),
    )


def _heard_of(incident: Incident) -> tuple[str, ...]:
    """The audience of an event of an incident."""
    return (
        *incident.audience,
        *workers.tokens_of(incident.reporter),
        *((IN_CONFIDENCE,) if incident.confidential else ()),
    )


def _decision(incident: Incident) -> Decision:
    event = Event(EventType.INCIDENT_REPORTED, 1, NOW, incident, 1, By("reporter", incident.reporter))
    return Decision(None, incident, (), incident.call, (event,))


class FilledDatabase:
    """A database that is filled once, and read by tests that are no coroutines, such as those of hypothesis."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._database = Database(url, pool_size=1)
        runner.run(self._fill())

    async def _fill(self) -> None:
        raise NotImplementedError

    def read(self, question: Callable[[AsyncConnection], Awaitable[_T]]) -> _T:
        async def answered() -> _T:
            async with self._database.read() as connection:
                return await question(connection)

        return self._runner.run(answered())

    def close(self) -> None:
        self._runner.run(self._database.close())


class Rows(FilledDatabase):
    """A database full of rows, and the same rows as the rules know them."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        chance = random.Random(20)
        self.incidents = {each.id: each for each in (_an_incident(chance, n) for n in range(1, INCIDENTS + 1))}
        self.elsewhere = [(CELL, CODES), ("440105", ()), (OTHER_CELL, ("@worker",))]
        """Area and audience of events without an incident."""
        super().__init__(url, runner)

    async def _fill(self) -> None:
        said = Report("somebody", b"", "words")
        async with self._database.begin() as tx:
            await bulk.insert_rows(tx, *reports.new_rows([(each, said, "line") for each in self.incidents.values()]))
            await saving.save(tx, [_decision(each) for each in self.incidents.values()])
        async with self._database.begin() as tx:
            entries = [
                Entry(EventType.REGISTRY_IMPORTED, NOW, area, tuple(audience), {}) for area, audience in self.elsewhere
            ]
            await writing.append(tx, entries)
        async with self._database.begin() as tx:
            await numbering.seal(tx)


@pytest.fixture(scope="module")
def rows(server: URL, templates: dict[str, str]) -> Iterator[Rows]:
    with asyncio.Runner() as runner:
        for url in clone(server, templates["empty"]):
            rows = Rows(url, runner)
            yield rows
            rows.close()


codes, subjects, areas = st.sampled_from(CODES), st.sampled_from((*SUBJECTS, "nobody")), st.sampled_from(AREAS)
actors = st.one_of(
    st.builds(Actor, st.just(Role.REPORTER), subjects, area=st.none() | areas, may_report_for=st.booleans()),
    st.builds(
        Actor,
        st.just(Role.UNIT),
        subjects,
        unit=codes,
        member_of=st.none() | codes,
        answers_for=st.none() | st.lists(st.sampled_from(CATEGORIES), max_size=2).map(tuple),
    ),
    st.builds(Actor, st.sampled_from((Role.AUDITOR, Role.OPS, Role.SECURITY)), subjects),
)
tokens = st.lists(codes | subjects.map("@{}".format), max_size=3).map(tuple)
cases = st.one_of(
    st.builds(Within, areas, st.booleans()),
    st.builds(Heard, tokens, st.booleans()),
    st.builds(OwnOnly, subjects),
    st.builds(OfWorkers, subjects),
    st.builds(Member, codes, st.lists(st.sampled_from(CATEGORIES), max_size=2).map(tuple)),
    st.just(Everywhere()),
    st.just(NoIncident()),
)
sights = st.one_of(actors.map(rule.sight_of), actors.map(rule.figures_sight_of), st.lists(cases, max_size=3).map(tuple))
"""What actors see, and any other combination of cases."""


@pytest.mark.clause("API1:2023", "ASVS 8.2.2", "GB/T 22239 8.1.4.2 f")
@settings(max_examples=150)
@given(sight=sights, states=st.sampled_from(((), OPEN)))
def test_lists_grant_what_the_rule_grants(rows: Rows, sight: Sight, states: tuple[State, ...]) -> None:
    """What is open is read by other indexes than everything there is."""
    found = rows.read(lambda connection: lists.page(connection, IncidentFilter(states=states), sight, None, 10_000))
    granted = {each.id for each in rows.incidents.values() if rule.sees_incident(sight, each)}
    assert found.next_place is None
    assert {row["id"] for row in found.rows} == {
        each for each in granted if not states or rows.incidents[each].state in states
    }


@settings(max_examples=50)
@given(sight=sights, cell=st.sampled_from(CELLS))
def test_candidates_for_a_merge_are_granted_by_the_rule(rows: Rows, sight: Sight, cell: str) -> None:
    found = rows.read(lambda connection: lists.open_ones(connection, [cell], "line", NOW, NOW, sight))
    there = [each for each in rows.incidents.values() if each.grid_code == cell and each.is_open]
    assert {row["id"] for row in found} == {each.id for each in there if rule.sees_incident(sight, each)}


@pytest.mark.clause("API1:2023")
@settings(max_examples=150)
@given(sight=sights, unit=codes)
def test_queues_grant_what_the_rule_grants(rows: Rows, sight: Sight, unit: str) -> None:
    found = rows.read(lambda connection: queue_pages.page(connection, unit, OPEN, None, 10_000, sight=sight))
    there = [each for each in rows.incidents.values() if each.is_open and unit in (each.unit, *each.assisting)]
    assert {row["id"] for row in found} == {each.id for each in there if rule.sees_incident(sight, each)}


@pytest.mark.clause("API1:2023", "ASVS 8.2.2")
@settings(max_examples=150)
@given(sight=sights)
def test_the_feed_grants_what_the_rule_grants(rows: Rows, sight: Sight) -> None:
    page = rows.read(lambda connection: feed.read(connection, 0, 10_000, FeedFilter(sight)))
    granted = [
        each.id
        for each in rows.incidents.values()
        if rule.sees_event(sight, of_incident=True, area=each.grid_code, audience=_heard_of(each))
    ]
    alone = [
        each for each in rows.elsewhere if rule.sees_event(sight, of_incident=False, area=each[0], audience=each[1])
    ]
    assert [event.incident_id for event in page.events] == [*granted, *(None for _ in alone)]


@settings(max_examples=50)
@given(sight=sights)
def test_events_without_an_incident_are_for_few(rows: Rows, sight: Sight) -> None:
    page = rows.read(lambda connection: feed.read(connection, 0, 10_000, FeedFilter(sight)))
    alone = sum(event.incident_id is None for event in page.events)
    assert alone == (len(rows.elsewhere) if {Everywhere(), NoIncident()} & set(sight) else 0)


@settings(max_examples=100)
@given(sight=sights)
def test_figures_count_the_calls_the_rule_grants(rows: Rows, sight: Sight) -> None:
    wanted = CallFilter(MONTH, Grouping.UNIT, None, Measure.CALLS)
    found = rows.read(lambda connection: tallies.page(connection, wanted, sight, None, 10_000))
    counted = rows.read(lambda connection: tallies.tallies(connection, MONTH, Grouping.UNIT, sight))
    granted = {
        each.id
        for each in rows.incidents.values()
        if rule.sees_call(sight, unit=each.call.unit, grid_code=each.grid_code)
    }
    assert {row["incident_id"] for row in found} == granted
    assert counted.total.counts[Measure.CALLS] == len(granted)


@settings(max_examples=100)
@given(actor=actors)
def test_an_actor_finds_in_lists_what_it_may_open(rows: Rows, actor: Actor) -> None:
    found = rows.read(lambda connection: lists.page(connection, IncidentFilter(), rule.sight_of(actor), None, 10_000))
    assert {row["id"] for row in found.rows} == {each.id for each in rows.incidents.values() if rule.sees(actor, each)}


def test_every_kind_of_actor_sees_some_rows_and_not_all(rows: Rows) -> None:
    """A test of agreement proves little where everything or nothing is granted."""
    for actor in (
        Actor(Role.REPORTER, "worker", area=CELL[:9]),
        Actor(Role.UNIT, "s", unit=CELL[:9]),
        Actor(Role.UNIT, "d", unit=DEPARTMENT),
        Actor(Role.UNIT, "f", unit=FIRM, member_of=CELL[:12], answers_for=("u",)),
    ):
        assert 0 < sum(rule.sees(actor, each) for each in rows.incidents.values()) < INCIDENTS
    assert all(rule.sees_incident(EVERYTHING, each) for each in rows.incidents.values())
