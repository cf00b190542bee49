"""Claiming due incidents: in order, once, without waiting, and no more of each than a deadline needs."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from service.rules.words import Arrow
from service.store.database import Database
from service.store.incidents import claiming
from service.store.incidents.claiming import UnreadableRowError, WakePlace
from tests.rules.builders import NOW, act, half, later
from tests.store.incidents.rows import ask, done, numbered, raised, save

pytestmark = pytest.mark.anyio

DUE = later(hours=1)
"""When the answer box of an incident reported at `NOW` has passed."""
SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


async def _five(database: Database) -> None:
    """Number n was reported n minutes before `NOW`, so the last is due first."""
    await save(database, *(numbered(n, at=NOW - timedelta(minutes=n)) for n in range(1, 6)))


async def test_the_page_is_what_is_due_longest_first(database: Database) -> None:
    await _five(database)
    async with database.begin() as tx:
        assert await claiming.claim_due(tx, DUE - timedelta(minutes=5) - SECOND, 10) == []
        page = await claiming.claim_due(tx, DUE - timedelta(minutes=3), 10)
    assert [each.id.int for each in page] == [5, 4, 3], "at its instant an incident is due"
    async with database.begin() as tx:
        assert [each.id.int for each in await claiming.claim_due(tx, DUE, 2)] == [5, 4]


async def test_of_those_due_at_once_the_lower_id_comes_first(database: Database) -> None:
    await save(database, numbered(3), numbered(1), numbered(2))
    async with database.begin() as tx:
        assert [each.id.int for each in await claiming.claim_due(tx, DUE, 3)] == [1, 2, 3]


async def test_a_page_begins_after_a_place(database: Database) -> None:
    await save(database, numbered(3), numbered(1), numbered(2), numbered(4, at=NOW - timedelta(minutes=1)))
    async with database.begin() as tx:
        after = WakePlace(DUE, UUID(int=1))
        assert [each.id.int for each in await claiming.claim_due(tx, DUE, 9, after)] == [2, 3]
        assert [each.int for each in await claiming.due_ids(tx, DUE, 1, after)] == [2]
        assert await claiming.claim_due(tx, DUE, 9, WakePlace(DUE, UUID(int=3))) == []
        assert [each.id.int for each in await claiming.claim_due(tx, DUE, 9, claiming.FIRST)] == [4, 1, 2, 3]


async def test_what_another_engine_has_is_passed_over(database: Database) -> None:
    await _five(database)
    async with database.begin() as one, database.begin() as other:
        assert len(await claiming.claim_due(one, DUE, 2)) == 2
        assert [each.id.int for each in await claiming.claim_due(other, DUE, 2)] == [3, 2]
        assert await claiming.claim_one(other, UUID(int=5), DUE) is None
        assert (await claiming.claim_one(other, UUID(int=1), DUE)) is not None


async def test_an_incident_is_claimed_without_its_earlier_calls(database: Database) -> None:
    incident = await raised(database, 1)
    incident = (await done(database, incident, "street", Arrow.EXTEND)).after
    async with database.begin() as tx:
        (claimed,) = await claiming.claim_due(tx, later(days=9), 1)
    sweeps = half(incident)
    assert claimed.earlier is None
    assert claimed == sweeps._replace(call=sweeps.call._replace(ground=None, reason=None))
    assert [each.n for each in claimed.requests] == [1], "its requests move the deadline"


async def test_one_is_claimed_alone_while_it_is_due(database: Database) -> None:
    await _five(database)
    async with database.begin() as tx:
        claimed = await claiming.claim_one(tx, UUID(int=2), DUE)
        assert claimed is not None
        assert claimed.id.int == 2
        assert await claiming.claim_one(tx, UUID(int=2), DUE - timedelta(minutes=2) - SECOND) is None
        assert await claiming.claim_one(tx, UUID(int=9), DUE) is None


async def test_the_ids_are_those_the_page_would_hold(database: Database) -> None:
    await _five(database)
    async with database.read() as connection:
        assert [each.int for each in await claiming.due_ids(connection, DUE - timedelta(minutes=2), 10)] == [5, 4, 3, 2]
        assert [each.int for each in await claiming.due_ids(connection, DUE, 1)] == [5]


async def test_the_engine_wakes_for_the_nearest(database: Database) -> None:
    async with database.read() as connection:
        assert await claiming.next_wake(connection) is None
    await _five(database)
    async with database.read() as connection:
        assert await claiming.next_wake(connection) == DUE - timedelta(minutes=5)
    await save(database, act(numbered(5, at=NOW - timedelta(minutes=5)).after, "reporter", Arrow.WITHDRAW))
    async with database.read() as connection:
        assert await claiming.next_wake(connection) == DUE - timedelta(minutes=4), "a closed one sleeps"
        here = await claiming.nearest(connection)
        assert here is not None
        assert await claiming.nearest(connection, here.just_before()) == here
        after = await claiming.nearest(connection, here)
        assert after is not None and after > here


async def test_a_row_that_fails_waits_twice_as_long_each_time(database: Database) -> None:
    """30 s, doubled with every fault in a row, at most an hour; the deadline stays, so the incident stays overdue."""
    await save(database, numbered(1), numbered(2))
    waits, now = [], DUE
    for _ in range(9):
        async with database.begin() as tx:
            await claiming.back_off(tx, UUID(int=1), now, timedelta(seconds=30), HOUR)
        ((wake_at, due_at),) = await ask(database, "SELECT wake_at, due_at FROM incident WHERE number = '2026-000001'")
        assert due_at == DUE
        waits.append((wake_at - now).total_seconds())
        now = wake_at
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert await ask(database, "SELECT wake_at, faults FROM incident WHERE number = '2026-000002'") == [(DUE, 0)]


async def test_a_row_that_failed_for_years_still_waits_an_hour(database: Database) -> None:
    await save(database, numbered(1))
    async with database.begin() as tx:
        await tx.exec_driver_sql("UPDATE incident SET faults = 32000")
        await claiming.back_off(tx, UUID(int=1), DUE, timedelta(seconds=30), HOUR)
    assert await ask(database, "SELECT wake_at, faults FROM incident") == [(DUE + HOUR, 32001)]


async def test_a_closed_incident_does_not_back_off(database: Database) -> None:
    """Somebody closed it between the fault and the back-off: nothing wakes it again."""
    await save(database, numbered(1))
    await save(database, act(numbered(1).after, "reporter", Arrow.WITHDRAW))
    async with database.begin() as tx:
        await claiming.back_off(tx, UUID(int=1), DUE, SECOND, HOUR)
    assert await ask(database, "SELECT wake_at, faults FROM incident") == [(None, 0)]


async def test_who_acted_in_the_meantime_is_not_put_off(database: Database) -> None:
    """Between the fault and the back-off somebody gave it another deadline, which stands."""
    await save(database, numbered(1))
    async with database.begin() as tx:
        await tx.exec_driver_sql("UPDATE incident SET wake_at = wake_at + interval '5 s'")
        await claiming.back_off(tx, UUID(int=1), DUE, SECOND, HOUR)
    assert await ask(database, "SELECT wake_at, faults FROM incident") == [(DUE + 5 * SECOND, 0)]


async def test_what_is_put_aside_is_counted_and_named(database: Database) -> None:
    await _five(database)
    async with database.read() as connection:
        assert await claiming.put_aside(connection) == (0, None)
    async with database.begin() as tx:
        for n in (2, 4):
            await claiming.back_off(tx, UUID(int=n), DUE, 30 * SECOND, HOUR)
    async with database.read() as connection:
        assert await claiming.put_aside(connection) == (2, DUE - timedelta(minutes=4))
        numbers = await claiming.put_aside_numbers(connection, 10)
        assert [at for _, at in numbers] == [DUE + 30 * SECOND] * 2
        assert await claiming.put_aside_numbers(connection, 1) == numbers[:1]
    assert len({number for number, _ in numbers}) == 2


async def test_a_row_of_another_program_is_unreadable(database: Database) -> None:
    await _five(database)
    async with database.begin() as tx:
        await tx.execute(text("UPDATE incident SET urgency = 'soon' WHERE id = :id"), {"id": UUID(int=3)})
    async with database.begin() as tx:
        with pytest.raises(UnreadableRowError, match="KeyError: 'soon'"):
            await claiming.claim_due(tx, DUE, 10)
