"""The issuer that the database knows: at most one."""

from __future__ import annotations

import pytest

from service.store.access import sign_ons
from service.store.access.sign_ons import SignOn
from service.store.access.tables import sign_on
from service.store.database import Database
from tests.store.refusals import refused_by

pytestmark = pytest.mark.anyio
ONE = SignOn("https://login.example", "pages", None, "role=role")


async def test_what_is_known_is_what_was_written_last(database: Database) -> None:
    for each in (None, ONE, ONE._replace(client_id=None, audience="api"), None):
        async with database.begin() as tx:
            await sign_ons.lock(tx)
            await sign_ons.replace(tx, each)
            assert await sign_ons.known(tx) == each


async def test_there_is_one_row_at_most(database: Database) -> None:
    row = ONE._asdict()
    assert await refused_by(database, sign_on, {"only": False, **row}) == "sign_on_one_row"
    assert await refused_by(database, sign_on, row, row) == "sign_on_pkey"
