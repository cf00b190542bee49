"""The world is loaded as a whole, and locked between transactions that decide by it and transactions that change it.

The module `rows` changes the registry; `policies` and `calendars` change the rest of the world.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import Row, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules import world as worlds
from service.rules.policy import Spans
from service.rules.words import Kind, Level, UnitKind, Urgency
from service.rules.worktime import WorkCalendar
from service.rules.world import Category, Cell, Duty, Line, Rings, Unit, Validity, World
from service.store import locks
from service.store.locks import DistrictLock
from service.store.registry import calendars, policies
from service.store.registry.tables import category, cell, deployment, duty, line, unit


async def lock(tx: AsyncConnection) -> int:
    """Make other transactions that change the world wait until this one ends. Returns the world's version."""
    # this locks the row that `rise` will write, so that a second change is planned by what the first has committed
    version: int = (await tx.execute(select(deployment.c.world_version).with_for_update())).scalar_one()
    return version


# shared, so that transactions that decide never wait for each other
_HOLD = locks.shared(DistrictLock.DECIDE)


async def hold(tx: AsyncConnection) -> None:
    """Keep every new version of the world from being committed before this transaction ends. So a change of the world
    sees in the database everything that was decided by the old world.

    The lock is a statement of its own, taken before the version is read, since a snapshot is taken when a statement
    starts.
    """
    await tx.execute(_HOLD)


async def rise(tx: AsyncConnection) -> int:
    """Raise the world's version, so that every process reads the world again. Returns the new version.

    The call waits for transactions that still decide by the old world, and keeps others from deciding until this one
    ends. So call it late, and call `calendars.wake` after it.
    """
    await tx.execute(locks.taken(DistrictLock.DECIDE))
    risen = update(deployment).values(world_version=deployment.c.world_version + 1, world_mark=func.gen_random_uuid())
    version: int = (await tx.execute(risen.returning(deployment.c.world_version))).scalar_one()
    return version


async def load(connection: AsyncConnection) -> World:
    """Load the world with several statements. Call it in a `Database.read` block, or after `lock` or `hold`."""
    versions = {key: each.policy for key, each in (await policies.written(connection)).items()}
    known = await calendars.days(connection)
    hours = {each.hours for each in versions.values() if each.hours}
    return worlds.build(
        (await connection.execute(select(deployment.c.world_version))).scalar_one(),
        units=[_unit(row) for row in await connection.execute(select(unit))],
        cells=[_cell(row) for row in await connection.execute(select(cell))],
        categories=[_category(row) for row in await connection.execute(select(category))],
        lines=[Line(row.code, row.name) for row in await connection.execute(select(line))],
        duties=[_duty(row) for row in await connection.execute(select(duty))],
        policies=versions.values(),
        activations=await policies.activations(connection),
        calendars={each: _calendar(each.spans, tuple(known.get(each.calendar, {}).items())) for each in hours},
    )


@lru_cache(maxsize=8)
def _calendar(spans: Spans, days: tuple[tuple[date, bool], ...]) -> WorkCalendar:
    """Return a calendar of a century. It is cached, since most changes of the world leave the calendars as they are."""
    return WorkCalendar(spans, dict(days))


def _rings(shape: list[Any] | None) -> Rings | None:
    return None if shape is None else tuple(tuple((lon, lat) for lon, lat in ring) for ring in shape)


def _validity(row: Row[Any]) -> Validity:
    return Validity(row.valid_from, row.valid_to)


def _unit(row: Row[Any]) -> Unit:
    return Unit(
        code=row.code,
        name=row.name,
        kind=UnitKind(row.kind),
        level=Level(row.level) if row.level else None,
        validity=_validity(row),
        parent=row.parent,
        line_parent=row.line_parent,
        covers=tuple(row.covers),
        in_charge_of=tuple(row.in_charge_of),
        answers_for=tuple(row.answers_for),
    )


def _cell(row: Row[Any]) -> Cell:
    return Cell(row.code, row.name, row.community, _validity(row), _rings(row.shape))


def _category(row: Row[Any]) -> Category:
    return Category(
        code=row.code,
        name=row.name,
        line=row.line,
        urgency=Urgency(row.urgency),
        validity=_validity(row),
        parent=row.parent,
        urgencies=tuple(map(Urgency, row.urgencies)),
        kinds=tuple(map(Kind, row.kinds)),
    )


def _duty(row: Row[Any]) -> Duty:
    return Duty(
        code=row.code,
        title=row.title,
        category=row.category,
        area=row.area,
        lead_unit=row.lead_unit,
        validity=_validity(row),
        assisting=tuple(row.assisting),
        basis=row.basis,
    )
