"""A contact lies beside its incident, sealed."""

from __future__ import annotations

from uuid import UUID

import pytest
from sqlalchemy import text

from service.access.secrets import SecretsBox
from service.store.access import contacts
from service.store.database import Database
from tests.access.test_secret_keys import ONE, put

pytestmark = pytest.mark.anyio


async def test_a_contact_is_found_by_its_incident(database: Database) -> None:
    await put(database, SecretsBox([ONE]), 1, 2)
    async with database.read() as connection:
        found = await contacts.of_incident(connection, UUID(int=2))
        assert found is not None and found[0] == ONE.id
        assert await contacts.of_incident(connection, UUID(int=3)) is None
        row = (await connection.execute(text("SELECT district, name, phone FROM contact LIMIT 1"))).one()
    assert tuple(row) == ("440105", "张*", None)
