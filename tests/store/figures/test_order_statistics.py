"""Percentiles in SQL against the pure definition: by group, and of all groups together."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence

import pytest
from sqlalchemy import ARRAY, BigInteger, Text, cast, func, select

from service.rules.figures.percentiles import spread, spread_of
from service.store.database import Database
from service.store.figures.order_statistics import gathered, overall, picked, sorted_within

pytestmark = pytest.mark.anyio

Lengths = Mapping[str, Sequence[int | None]]
YEAR_US = 365 * 86_400 * 10**6


def _at_random(seed: int) -> Lengths:
    """Groups of very different sizes, with many equal lengths, nulls, and a few that are out of all proportion."""
    chance = random.Random(seed)
    sizes = [chance.choice((0, 1, 2, 3, 10, 11, 200)) for _ in range(chance.randint(1, 6))]
    top = chance.choice((1, 7, 10**6, YEAR_US))
    return {f"group {n}": [_length(chance, top) for _ in range(size)] for n, size in enumerate(sizes)}


def _length(chance: random.Random, top: int) -> int | None:
    return None if chance.random() < 0.2 else chance.randrange(top)


CASES: list[Lengths] = [
    {"a": [5]},
    {"a": [None]},
    {"a": [5, 5, 5, 5]},
    {"a": [0, YEAR_US]},
    {"a": [1, 2], "b": [None], "c": [3]},
    {"a": list(range(1, 12)), "b": list(range(100, 0, -1))},
    {"a": [1], "b": [2], "c": [2], "d": [9]},
    *(_at_random(seed) for seed in range(20)),
]


Picks = list[int | None]


async def _picked(database: Database, lengths: Lengths) -> tuple[dict[str, Picks], Picks | None]:
    """By SQL: the neighbours of the percentiles in each group that has a row, and in all together."""
    pairs = [(code, length) for code, each in lengths.items() for length in each]
    codes, values = [code for code, _ in pairs], [length for _, length in pairs]
    rows = func.unnest(cast(codes, ARRAY(Text)), cast(values, ARRAY(BigInteger))).table_valued("code", "length")
    rows = rows.render_derived("rows")
    counted = select(rows.c.code, gathered(rows.c.length).label("lengths")).group_by(rows.c.code).subquery()
    groups = select(counted.c.code, sorted_within(counted.c.lengths).label("lengths")).cte("groups")
    (everything,) = overall(groups, ["lengths"])
    async with database.read() as connection:
        found = (await connection.execute(select(groups.c.code, picked(groups.c.lengths), everything))).all()
    return {row[0]: row[1] for row in found}, found[0][2] if found else None


def _expected(lengths: Iterable[int | None]) -> Picks:
    """The median's neighbours, then those of the 90th percentile: places 0 to n - 1 of the lengths in order."""
    ordered = sorted(length for length in lengths if length is not None)
    last = len(ordered) - 1
    places = [min(last, last * percent // 100 + up) for percent in (50, 90) for up in (0, 1)]
    return [ordered[place] for place in places] if ordered else [None] * 4


@pytest.mark.parametrize("lengths", CASES)
async def test_sql_picks_the_neighbours_of_each_percentile(database: Database, lengths: Lengths) -> None:
    groups, everything = await _picked(database, lengths)
    assert groups == {code: _expected(each) for code, each in lengths.items() if each}
    if groups:
        assert everything == _expected(length for each in lengths.values() for length in each)


@pytest.mark.parametrize("seed", range(3))
def test_the_definition_takes_the_same_neighbours(seed: int) -> None:
    lengths = [length for each in _at_random(seed).values() for length in each if length is not None]
    picks = [pick for pick in _expected(lengths) if pick is not None]
    assert spread_of(lengths) == spread(len(lengths), picks)
