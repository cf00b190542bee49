"""Chains of merges, followed to their open end; and what a survivor owes, as it is stored."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest

from service.rules.acts import Act
from service.rules.decisions import Decision
from service.rules.model import Incident
from service.rules.words import Arrow, Urgency
from service.store.database import Database
from service.store.incidents import chains, claiming
from tests.rules import deciding
from tests.rules.builders import CELL, PEOPLE, WORLD, act, an_act, half, later
from tests.store.incidents.rows import load, numbered, save

pytestmark = pytest.mark.anyio


async def _merge(database: Database, one: Incident, into: Incident, at: datetime) -> tuple[Decision, Decision]:
    merge = replace(an_act(Arrow.MERGE), into=into.id)
    both = deciding.merge(one, into, merge, PEOPLE["ops"], WORLD, at)
    await save(database, *both)
    return both


async def _beyond(database: Database, n: int) -> list[int]:
    async with database.read() as connection:
        return [each.int for each in await chains.beyond(connection, UUID(int=n))]


async def test_a_chain_is_followed_in_order_to_its_end(database: Database) -> None:
    reports = [numbered(n) for n in (3, 1, 4, 2, 5)]
    await save(database, *reports)
    third, first, fourth, second, _ = (each.after for each in reports)
    _, second_heard = await _merge(database, first, second, later(minutes=1))
    _, third_heard = await _merge(database, second_heard.after, third, later(minutes=2))
    await _merge(database, third_heard.after, fourth, later(minutes=3))
    assert [await _beyond(database, n) for n in (1, 2, 3, 4, 5, 9)] == [[2, 3, 4], [3, 4], [4], [], [], []]


async def test_the_engine_knows_what_a_survivor_owes(database: Database) -> None:
    urgent, calm = numbered(1, category="u-0201"), numbered(2, at=later(minutes=10), cell=CELL)
    await save(database, urgent, calm)
    _, heard = await _merge(database, urgent.after, calm.after, later(minutes=12))
    assert (heard.after.urgency, heard.after.due_at) == (Urgency.URGENT, later(minutes=15))
    assert await load(database, heard.after.id.int) == heard.after
    async with database.begin() as tx:
        [due] = await claiming.claim_due(tx, later(minutes=15), 9)
    assert (due.call.answer_cap, due.due_at, due.urgency) == (later(minutes=15), later(minutes=15), Urgency.URGENT)
    assert due.call.urgency is Urgency.NORMAL
    assert half(heard.after)._replace(call=due.call) == due


async def test_the_ratings_of_several_reporters_are_stored(database: Database) -> None:
    one, into = numbered(1), numbered(2)
    neighbour = one.after._replace(reporter="neighbour")
    await save(database, one, into)
    _, heard = await _merge(database, neighbour, into.after, later(minutes=1))
    resolved = act(heard.after, "community", Arrow.RESOLVE, at=later(minutes=2))
    await save(database, resolved)
    incident = resolved.after
    for who, score in (("worker", 5), ("neighbour", 2)):
        rate = Act(Arrow.RATE, score=score)
        rated = deciding.decide(incident, rate, replace(PEOPLE["reporter"], subject=who), WORLD, later(minutes=3))
        await save(database, rated)
        incident = rated.after
        assert await load(database, incident.id.int) == incident
    assert (incident.rating_mean, incident.call.outcome_mean) == (350, 350)
