"""Nodes of an engine that spreads a database. Its catalogue is made by hand: the questions are what is tried here."""

from __future__ import annotations

import pytest

from service.store import nodes
from service.store.database import Database
from tests.districts import spread

pytestmark = pytest.mark.anyio


async def test_a_plain_server_is_alone(database: Database) -> None:
    async with database.read() as connection:
        assert await nodes.group(connection) is None
        assert not await nodes.is_worker(connection)


@pytest.mark.parametrize("group", [0, 2])
async def test_a_node_says_which_it_is(database: Database, group: int) -> None:
    await spread(database, group)
    async with database.read() as connection:
        assert await nodes.group(connection) == group
        assert await nodes.is_worker(connection) is (group != 0)


async def test_other_nodes_say_what_a_session_has_there(database: Database) -> None:
    await spread(database, 0)
    async with database.read() as connection:
        (found,) = await nodes.settings(connection, "lock_timeout", "jit")
        assert found == ("w1:5432", {"lock_timeout": "10s", "jit": "off"})
