"""The signs of calls in SQL against those that are reckoned call by call, and the calls behind each of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.rules.figures.watching import OPS_SIGNS, Sign, SignShare, Watch
from service.rules.words import ClosedAs, Outcome, VoidReason
from service.store.database import Database
from service.store.figures import watching
from service.store.figures.tallies import CallPlace
from service.store.figures.watching import SignFilter
from tests.rules.figures.facts import CELL, MONTH, OPENED, a_call, after
from tests.rules.figures.watched import Given, Watched, behind, reckoned, watched_at_random
from tests.store.figures.watched import store_watched

pytestmark = pytest.mark.anyio

UNIT = CELL[:12]
TICK = timedelta(microseconds=1)


async def _found(database: Database) -> Watch:
    async with database.read() as connection:
        return await watching.watch(connection, MONTH)


async def _listed(database: Database, wanted: SignFilter, limit: int = 100) -> list[tuple[int, int]]:
    """(incident, seq) of the listed calls, gone through in pages of this size."""
    found: list[tuple[int, int]] = []
    after: CallPlace | None = None
    async with database.read() as connection:
        while rows := await watching.page(connection, wanted, after, limit):
            assert len(rows) <= limit
            found += [(row["incident_id"].int, row["seq"]) for row in rows]
            after = rows[-1]["opened_at"], rows[-1]["incident_id"], rows[-1]["seq"]
    return found


async def _share(database: Database, sign: Sign, *calls: Watched) -> SignShare:
    await store_watched(database, calls)
    return (await _found(database)).units[UNIT][sign]


# --- all signs, at random -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "incidents"), [(1, 5), (2, 40), (3, 40), (4, 400)])
async def test_sql_counts_what_is_reckoned_call_by_call(haizhu: Database, seed: int, incidents: int) -> None:
    calls = watched_at_random(seed, incidents)
    await store_watched(haizhu, calls)
    by_sql, by_hand = await _found(haizhu), reckoned(calls)
    for sign in Sign:
        assert {u: s[sign] for u, s in by_sql.units.items()} == {u: s[sign] for u, s in by_hand.units.items()}, sign
    assert by_sql.ops == by_hand.ops
    if incidents == 400:
        for sign in Sign:
            of_all = [signs[sign] for signs in by_hand.units.values()]
            assert 0 < sum(each.n for each in of_all) < sum(each.of for each in of_all), sign
        assert all(each.n and each.n < each.of for each in by_hand.ops.values())


@pytest.mark.parametrize("sign", Sign)
async def test_a_sign_opens_exactly_its_calls(haizhu: Database, sign: Sign) -> None:
    calls = watched_at_random(5, 60)
    await store_watched(haizhu, calls)
    for unit in (None, UNIT):
        for ops in (False, True) if sign in OPS_SIGNS else (False,):
            listed = await _listed(haizhu, SignFilter(MONTH, sign, unit, by_ops=ops), 7)
            assert len(set(listed)) == len(listed)
            assert set(listed) == behind(sign, unit, calls, ops=ops)


async def test_pages_are_in_the_order_of_time(haizhu: Database) -> None:
    times = {3: OPENED, 1: after(hours=1), 4: after(hours=1), 2: after(hours=2)}
    raised = [a_call(n, opened_at=at, outcome=Outcome.RAISED, ended_at=after(hours=3)) for n, at in times.items()]
    await store_watched(haizhu, [Watched(each) for each in raised])
    for limit in (1, 2, 3):
        assert await _listed(haizhu, SignFilter(MONTH, Sign.RAISED), limit) == [(3, 1), (1, 1), (4, 1), (2, 1)]


async def test_ops_have_no_other_signs(haizhu: Database) -> None:
    for sign in set(Sign) - set(OPS_SIGNS):
        async with haizhu.read() as connection:
            with pytest.raises(LookupError):
                await watching.page(connection, SignFilter(MONTH, sign, by_ops=True), None, 1)


async def test_a_month_without_calls_has_no_unit(haizhu: Database) -> None:
    assert await _found(haizhu) == Watch({}, dict.fromkeys(OPS_SIGNS, SignShare(0, 0)))


# --- the edges of a sign --------------------------------------------------------------------------------------------


def _raised(number: int, box_used: int) -> Watched:
    return Watched(a_call(number, outcome=Outcome.RAISED, ended_at=after(hours=4)), box_used=box_used)


async def test_the_last_moment_begins_after_95_percent(haizhu: Database) -> None:
    """`box_used` is rounded up, so 95 says at most 95."""
    calls = [_raised(n, used) for n, used in enumerate((94, 95, 96, 100, 120), start=1)]
    assert await _share(haizhu, Sign.LAST_MOMENT, *calls) == SignShare(3, 5)


async def test_nobody_looks_within_ten_seconds(haizhu: Database) -> None:
    waits = (timedelta(0), timedelta(seconds=10), timedelta(seconds=10) + TICK)
    given = [Given("extend", OPENED, OPENED + wait, after(hours=9)) for wait in waits]
    calls = [Watched(a_call(n, extended=True), requests=(each,)) for n, each in enumerate(given, start=1)]
    assert await _share(haizhu, Sign.APPROVED_AT_ONCE, *calls) == SignShare(2, 3)


async def test_an_acceptance_at_once_is_of_the_call_that_closed(haizhu: Database) -> None:
    done: dict[str, Any] = {"answered_at": after(hours=1), "resolve_by": after(hours=25), "outcome": Outcome.RESOLVED}
    at = after(hours=2)
    calls = [Watched(a_call(1, n, round=n, **done, ended_at=at + (n - 1) * TICK)) for n in (1, 2)]
    calls[1] = calls[1]._replace(closed=(ClosedAs.VERIFIED, at + timedelta(seconds=10)))
    assert await _share(haizhu, Sign.ACCEPTED_AT_ONCE, *calls) == SignShare(1, 1)


@pytest.mark.parametrize(
    ("lengths", "share"),
    [
        ((30,), SignShare(0, 1)),
        ((30 + 1 / 86_400,), SignShare(1, 1)),
        ((20, 11), SignShare(1, 1)),  # in sum
    ],
)
async def test_a_long_hold_is_longer_than_thirty_days(
    haizhu: Database, lengths: tuple[float], share: SignShare
) -> None:
    """One that still runs counts with the time for which it was given."""
    given = tuple(Given("hold", OPENED, OPENED, OPENED + timedelta(days=days)) for days in lengths)
    assert await _share(haizhu, Sign.HELD_LONG, Watched(a_call(1), requests=given)) == share


async def test_a_wait_that_nobody_decided_is_no_hold(haizhu: Database) -> None:
    wait = Given("hold", OPENED, OPENED, after(days=60), by=None)
    await store_watched(haizhu, [Watched(a_call(1), requests=(wait,))])
    signs = (await _found(haizhu)).units[UNIT]
    assert (signs[Sign.HELD_LONG], signs[Sign.APPROVED_AT_ONCE]) == (SignShare(0, 0), SignShare(0, 0))


def _void(number: int, **fields: Any) -> Watched:
    whole = {"outcome": Outcome.CLOSED, "end_code": VoidReason.OTHER, "ended_at": after(hours=1), **fields}
    return Watched(a_call(number, **whole))


@pytest.mark.parametrize(
    ("at", "again"),
    [
        (after(hours=1) - TICK, 0),
        (after(hours=1), 0),
        (after(hours=1) + TICK, 1),
        (after(days=14, hours=1), 1),
        (after(days=14, hours=1) + TICK, 0),
    ],
)
async def test_again_is_within_fourteen_days_after_the_end(haizhu: Database, at: Any, again: int) -> None:
    later = Watched(a_call(2, opened_at=at))
    assert await _share(haizhu, Sign.REPORTED_AGAIN, _void(1), later) == SignShare(again, 1)


@pytest.mark.parametrize("fields", [{"category": "urban-0113"}, {"grid_code": f"{CELL[:14]}2"}, {"seq": 2}])
async def test_again_is_a_report_of_the_same_cell_and_category(haizhu: Database, fields: dict[str, Any]) -> None:
    later = Watched(a_call(2, opened_at=after(days=2))._replace(**fields))
    assert await _share(haizhu, Sign.REPORTED_AGAIN, _void(1), later) == SignShare(0, 1)


async def test_a_flood_is_nothing_that_comes_again(haizhu: Database) -> None:
    flood = _void(2, opened_at=after(days=2), ended_at=after(days=3), end_code="flood")
    assert await _share(haizhu, Sign.REPORTED_AGAIN, _void(1), flood) == SignShare(0, 1)


async def test_what_ends_two_weeks_later_is_not_looked_at(haizhu: Database) -> None:
    opened, end = MONTH.end - TICK, MONTH.end + timedelta(days=14)
    calls = [_void(n, opened_at=opened, ended_at=at) for n, at in enumerate((end - TICK, end), start=1)]
    later = Watched(a_call(3, opened_at=end + timedelta(days=13)))
    assert await _share(haizhu, Sign.REPORTED_AGAIN, *calls, later) == SignShare(1, 1)
