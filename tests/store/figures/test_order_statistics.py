"""Percentiles in SQL against the pure definition: by group, and of all groups together."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from sqlalchemy import ARRAY, BigInteger, Text, cast, func, select

from service.rules.figures.percentiles import Spread, spread, spread_of
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


async def _percentiles(database: Database, lengths: Lengths) -> tuple[dict[str, Spread], Spread]:
    """By SQL: of each group that has a row, and of all together."""
    pairs = [(code, length) for code, each in lengths.items() for length in each]
    codes, values = [code for code, _ in pairs], [length for _, length in pairs]
    rows = func.unnest(cast(codes, ARRAY(Text)), cast(values, ARRAY(BigInteger))).table_valued("code", "length")
    rows = rows.render_derived("rows")
    counted = select(rows.c.code, gathered(rows.c.length).label("lengths")).group_by(rows.c.code).subquery()
    groups = select(counted.c.code, sorted_within(counted.c.lengths).label("lengths")).cte("groups")
    (everything,) = overall(groups, ["lengths"])
    many = func.coalesce(func.cardinality(groups.c.lengths), 0)
    query = select(groups.c.code, many, picked(groups.c.lengths), everything)
    async with database.read() as connection:
        found = (await connection.execute(query)).all()
    total = sum(row[1] for row in found)
    return {row[0]: spread(row[1], row[2]) for row in found}, spread(total, found[0][3] if found else ())


@pytest.mark.parametrize("lengths", CASES)
async def test_sql_finds_what_the_definition_finds(database: Database, lengths: Lengths) -> None:
    known = {code: [length for length in each if length is not None] for code, each in lengths.items() if each}
    groups, everything = await _percentiles(database, lengths)
    assert groups == {code: spread_of(each) for code, each in known.items()}
    assert everything == spread_of([length for each in known.values() for length in each])
