"""The world of this process: registry, policies and calendars as one immutable snapshot, replaced when it changes."""

from __future__ import annotations

from service.places.shapes import Shape, ShapeIndex
from service.rules import world as worlds
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.registry import deployment
from service.store.registry import world as world_


class CurrentWorld:
    """The world as this process knows it, empty (version 0) until the first reload. `shapes`: the shapes of its
    cells."""

    def __init__(self) -> None:
        self.world: World = worlds.build(0)
        self.shapes = ShapeIndex(())

    async def reload(self, database: Database) -> None:
        """Read the world from the database. Raises `Unavailable`; the world then stays as it was."""
        async with database.read() as connection:
            self._take(await world_.load(connection))

    async def fresh(self, tx: Transaction) -> World:
        """The newest world, for a transaction that decides by it. Until the transaction ends, nobody can change the
        world."""
        await world_.hold(tx)
        return await self.seen(tx)

    async def seen(self, connection: Transaction) -> World:
        """A world for a view. It is never older than the rows that the same `Database.read` block reads."""
        if await deployment.world_version(connection) > self.world.version:
            self._take(await world_.load(connection))
        return self.world

    def _take(self, world: World) -> None:
        if world.version < self.world.version:
            return
        newest = [rows[-1] for rows in world.cells.values()]
        before = [rows[-1] for rows in self.world.cells.values()]
        if newest != before:  # building the index of shapes takes a tenth of a second
            self.shapes = ShapeIndex(Shape(cell.code, cell.shape) for cell in newest if cell.shape)
        self.world = world
