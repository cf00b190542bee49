"""What is known of the server and its sessions, asked of a real one."""

from __future__ import annotations

import pytest

from service.store import server
from service.store.database import Database

pytestmark = pytest.mark.anyio


async def test_a_server_says_what_it_is(database: Database) -> None:
    async with database.read() as connection:
        identity = await server.identity(connection)
        settings = await server.settings(connection, "max_connections", "no_such_setting")
        assert (identity.product[:10], identity.is_standby) == ("PostgreSQL", False)
        assert settings == {"max_connections": "200", "no_such_setting": ""}
        assert await server.encrypted(connection) is None, "a socket leaves no host"
        assert await server.standbys(connection) == (0, 0, True)
        assert await server.unvacuumed(connection) == []
        age, size = await server.age_and_size(connection)
        assert age > 0 and size > 1_000_000
        assert await server.local_folder(connection)


async def test_an_engine_is_known_by_its_sessions(database: Database) -> None:
    async with database.read() as connection:
        before = await server.sessions(connection)
    engine = Database(database.url, pool_size=1, application=server.ENGINE_SESSION)
    await engine.ping()
    async with database.read() as connection:
        found = await server.sessions(connection)
    await engine.close()
    assert before.engine_s is None
    assert found.engine_s is not None and 0 <= found.engine_s < 10
    assert found.ours == before.ours + 1 and found.clients > before.ours
