"""Conditions on codes, as the database applies them: a prefix is a range, and nothing beside it is in it."""

from __future__ import annotations

import pytest
from sqlalchemy import ARRAY, Text, cast, func, select

from service.store.database import Database
from service.store.metadata import Code
from service.store.ranges import holds, overlaps, within

pytestmark = pytest.mark.anyio

CODES = [
    *("440105", "440105001", "440105999999999", "440105003001001", "440104999999999", "440106", "44010", ""),
    *("4401050", "4401059", "dept-urban-management", "leader-urban", "44010A", "440105:", "四四"),
]


@pytest.mark.parametrize("prefix", ["", "4", "440105", "440105003001", "440105003001001", "999999"])
async def test_a_prefix_is_a_range_of_codes(database: Database, prefix: str) -> None:
    """Codes of digits are inside exactly when they start with the prefix; other codes never are, but for ''."""
    code = func.unnest(cast(CODES, ARRAY(Code))).column_valued("code")
    async with database.read() as connection:
        found = set((await connection.execute(select(code).where(within(code, prefix)))).scalars())
    digits = {each for each in CODES if each.startswith(prefix) and (each.isdigit() or not each)}
    assert {each for each in found if each.isdigit() or not each} == digits
    assert not prefix or found - digits <= {each for each in CODES if each.startswith(prefix)}


@pytest.mark.parametrize(
    ("codes", "wanted", "any_of", "first"),
    [
        (["a", "b"], ["b", "c"], True, True),
        (["a", "b"], ["c"], False, False),
        (["a", "b"], ["ab"], False, False),
        ([], ["a"], False, False),
        (["a", "@o'\"\\"], ["@o'\"\\"], True, True),
        (["a", "c"], ["b", "c"], True, False),
    ],
)
async def test_lists_of_codes(
    database: Database, codes: list[str], wanted: list[str], any_of: bool, first: bool
) -> None:
    column = cast(codes, ARRAY(Text))
    async with database.read() as connection:
        row = (await connection.execute(select(overlaps(column, wanted), holds(column, wanted[0])))).one()
    assert tuple(row) == (any_of, first)


async def test_no_list_overlaps_with_nothing(database: Database) -> None:
    async with database.read() as connection:
        assert not (await connection.execute(select(overlaps(cast(["a"], ARRAY(Text)), [])))).scalar_one()
