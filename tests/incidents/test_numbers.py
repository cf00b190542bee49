"""Numbers of incidents: reserved in blocks, given in order, and given up after a loss."""

from __future__ import annotations

import pytest

from service.incidents.numbers import Numbers
from service.store.database import Database
from service.store.incidents import saving
from tests.house import START

pytestmark = pytest.mark.anyio


async def test_blocks_are_reserved_when_they_are_needed(database: Database) -> None:
    numbers = Numbers()
    async with database.begin() as tx:
        await numbers.reserve(tx, 2)
        taken = [numbers.first(START)]
        numbers.take()
        await numbers.reserve(tx, saving.NUMBER_BLOCK)
        other = Numbers()
        await other.reserve(tx, 1)
        taken += [numbers.first(START), other.first(START)]
    assert taken == ["2026-000001", "2026-000002", "2026-000201"]


async def test_what_is_given_up_is_not_used(database: Database) -> None:
    numbers = Numbers()
    async with database.begin() as tx:
        await numbers.reserve(tx, 1)
        numbers.give_up()
        await numbers.reserve(tx, 1)
    assert numbers.first(START) == "2026-000101"
