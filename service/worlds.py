"""The world of this process: registry, policies and calendars as one immutable snapshot, replaced when it changes.

A world is known by its version and a random mark. Versions rise, but a restore or a failover that lost one takes them
back, and then the same number comes again with another content.
"""

from __future__ import annotations

import itertools

from service.places.shapes import Shape, ShapeIndex
from service.rules import world as worlds
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.registry import deployment
from service.store.registry import world as world_
from service.store.registry.deployment import WorldName


class CurrentWorld:
    """The world as this process knows it, empty (version 0) until the first reload. `shapes`: the shapes of its
    cells."""

    def __init__(self) -> None:
        self.world: World = worlds.build(0)
        self.shapes = ShapeIndex(())
        self._name = WorldName(0)
        self._readings = itertools.count(1)
        self._taken = 0

    async def reload(self, database: Database) -> None:
        """Read the world from the database and take it, whatever its version. Raises `Unavailable`; the world then
        stays as it was."""
        reading = next(self._readings)
        async with database.read() as connection:
            await self._read(connection, reading)

    async def fresh(self, tx: Transaction) -> World:
        """The world of the database, for a transaction that decides by it. Until the transaction ends, nobody can
        change the world. So whatever the transaction writes refers to what the database has: a policy that was lost is
        not pinned on a new incident.

        A foreign key from the incident to its policy would say the same at a price: every report would lock the one
        row of the policy in force, and locks that many share at once are a list which all of them rewrite.
        """
        await world_.hold(tx)
        if await deployment.world_name(tx) == self._name:
            return self.world
        return await self._read(tx, next(self._readings))

    async def seen(self, connection: Transaction) -> World:
        """A world for a view. It is never older than the rows that the same `Database.read` block reads."""
        name = await deployment.world_name(connection)
        # a snapshot from before the last reload has a lower version, and what is known here is good for it as well
        if name.version < self._name.version or name == self._name:
            return self.world
        return await self._read(connection, next(self._readings))

    async def _read(self, connection: Transaction, reading: int) -> World:
        name, world = await deployment.world_name(connection), await world_.load(connection)
        if reading > self._taken:  # of two readings at once, the one that began later has seen more
            self._taken, self._name = reading, name
            self._take(world)
        return world

    def _take(self, world: World) -> None:
        newest = [rows[-1] for rows in world.cells.values()]
        before = [rows[-1] for rows in self.world.cells.values()]
        if newest != before:  # building the index of shapes takes a tenth of a second
            self.shapes = ShapeIndex(Shape(cell.code, cell.shape) for cell in newest if cell.shape)
        self.world = world
