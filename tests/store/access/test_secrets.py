"""Which secret keys are in use is asked of the index, once for each key."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from service.access.secret_keys import KeySource, agreed
from service.access.secrets import SecretsBox
from service.store.access import secrets
from service.store.access.secrets import CONTACTS
from service.store.database import Database, Transaction
from tests.access.test_secret_keys import CLOCK, ONE, OTHER, THIRD, put

pytestmark = pytest.mark.anyio


async def test_keys_are_known_in_the_order_of_their_beginning(database: Database, tmp_path: Path) -> None:
    for keys in ((ONE,), (OTHER, ONE), (THIRD, OTHER)):
        await agreed(database, KeySource(tmp_path / "secret.key", keys), CLOCK)
    async with database.read() as connection:
        assert await secrets.known(connection) == [ONE.id, OTHER.id, THIRD.id]
        assert await secrets.in_use(connection) == set()


async def test_what_is_in_use_is_found_without_a_scan(database: Database) -> None:
    for start, key in ((0, ONE), (2_000, OTHER), (4_000, THIRD)):
        await put(database, SecretsBox([key]), *range(start, start + 2_000))
    async with database.begin() as tx:
        await tx.execute(text("ANALYZE contact"))
    async with database.begin() as tx:
        await tx.execute(text("SET LOCAL enable_seqscan = off"))
        before = await _read_by_scans(tx)
        assert await secrets.in_use(tx) == {ONE.id, OTHER.id, THIRD.id}
        assert await _read_by_scans(tx) == before


async def _read_by_scans(tx: Transaction) -> int:
    found = await tx.execute(text("SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'contact'"))
    return int(found.scalar_one())


async def test_rows_that_others_hold_are_passed_over(database: Database) -> None:
    await put(database, SecretsBox([ONE]), *range(6))
    async with database.begin() as one, database.begin() as other:
        mine = await secrets.claim(one, CONTACTS, ONE.id, 4, None)
        theirs = await secrets.claim(other, CONTACTS, ONE.id, 4, None)
        assert [row.key for row in (*mine, *theirs)] == [UUID(int=n) for n in range(6)]
        assert await secrets.claim(one, CONTACTS, ONE.id, 4, mine[-1].key) == []
        assert await secrets.count(one, CONTACTS, ONE.id) == 6
