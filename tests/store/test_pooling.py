"""Whether every connection has a session of its own. A real pooler is asked in tests/processes/test_pgbouncer.py."""

from __future__ import annotations

import pytest

from service.rules.errors import Unavailable
from service.store import pooling
from service.store.database import Database

pytestmark = pytest.mark.anyio


async def test_a_server_without_a_pooler_gives_each_connection_a_session(database: Database) -> None:
    for _ in range(3):
        assert not await pooling.shares_sessions(database)


async def test_a_database_that_is_away_is_no_pooler() -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    with pytest.raises(Unavailable):
        await pooling.shares_sessions(nowhere)
    await nowhere.close()
