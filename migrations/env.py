"""How migrations run: on a connection that `service/store/migrate.py` hands in, or on DATABASE_URL for `alembic`."""

from __future__ import annotations

import asyncio

from alembic import context
from sqlalchemy import Connection, text

from service import settings
from service.store.database import Database
from service.store.migrate import is_described
from service.store.schema import metadata


def run(connection: Connection) -> None:
    """The migrations that are asked for, in one transaction. One that cannot get a lock in half a second gives up,
    before PostgreSQL looks for a deadlock, and never keeps the whole service waiting behind itself;
    `service/store/migrate.py` tries it again."""
    context.configure(
        connection=connection,
        target_metadata=metadata,
        compare_type=True,
        compare_server_default=True,
        include_object=is_described,
    )
    with context.begin_transaction():
        connection.execute(text("SET LOCAL lock_timeout = '500ms'"))
        context.run_migrations()


async def _run_alone() -> None:
    database = Database(settings.load().database_url or "", pool_size=2)
    async with database.connected() as connection:
        await connection.run_sync(run)
    await database.close()


handed = context.config.attributes.get("connection")
if handed is None:
    asyncio.run(_run_alone())
else:
    run(handed)
