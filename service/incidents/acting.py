"""Use cases: one function, one transaction. Load → decide → save → tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from service.clock import Clock
from service.rules import lifecycle, sight
from service.rules.errors import IdempotencyMismatch, NotFound, Pointer, ValidationFailed, VersionMoved
from service.rules.model import Act, Actor, Call, Decision, Incident, Request
from service.rules.words import Arrow
from service.rules.world import World
from service.store.database import Database, Transaction
from service.store.incidents import loading, saving
from service.store.incidents.incident_rows import incident_columns
from service.store.incidents.loading import Loaded
from service.store.incidents.saving import Stamp
from service.store.log.writing import Committed
from service.worlds import CurrentWorld


@dataclass(frozen=True, slots=True)
class Wish:
    """A person's act with its fences: `versions` from If-Match (None: any), `stamp` from Idempotency-Key."""

    act: Act
    actor: Actor
    versions: frozenset[str] | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident as it now stands. `replayed`: this very request was carried out before."""

    row: Mapping[str, Any]
    calls: tuple[Call, ...]
    requests: tuple[Request, ...]
    world: World
    replayed: bool = False

    @property
    def version(self) -> int:
        return int(self.row["version"])


@dataclass(frozen=True, slots=True)
class People:
    """What the use cases need of a process."""

    database: Database
    worlds: CurrentWorld
    clock: Clock
    tell: Callable[[Committed], None]

    async def see(self, incident_id: UUID, actor: Actor) -> Loaded:
        """One incident with its calls. Raises `NotFound` when it is unknown or not this actor's to see."""
        async with self.database.read() as connection:
            return _visible(await loading.load(connection, incident_id), incident_id, actor)

    async def see_ruled(self, incident_id: UUID, actor: Actor) -> tuple[Loaded, World]:
        """The same with the world it is decided by, which this process may not have heard of yet."""
        async with self.database.read() as connection:
            loaded = _visible(await loading.load(connection, incident_id), incident_id, actor)
            return loaded, await self.worlds.seen(connection)

    async def act(self, incident_id: UUID, wish: Wish) -> Standing:
        """Carry out one act.

        Raises, in this order: NotFound, IdempotencyMismatch (or a replay), NotYours, VersionMoved, IllegalTransition;
        `Unavailable` when the database is away. A replay comes before "not yours": whoever gives a call away and never
        heard the answer asks again when it is no longer theirs.
        """
        async with self.database.begin() as tx:
            world = await self.worlds.fresh(tx)
            await saving.lock(tx, [each for each in (incident_id, wish.act.into) if each])
            loaded = _visible(await loading.load(tx, incident_id), incident_id, wish.actor)
            if wish.stamp and await _was_done(tx, incident_id, wish.stamp):
                return Standing(loaded.row, loaded.calls, loaded.incident.requests, world, replayed=True)
            _demand_named(loaded.incident, wish.act)
            lifecycle.authorize(loaded.incident, wish.act.arrow, wish.actor)
            _demand_version(wish.versions, loaded.incident.version)
            decisions = await self._decide(tx, loaded.incident, wish, world)
            stamps = {incident_id: wish.stamp} if wish.stamp else None
            committed = await saving.save(tx, decisions, stamps=stamps)
        if committed:
            self.tell(committed)
        return _after(loaded, decisions[0], world)

    async def _decide(self, tx: Transaction, incident: Incident, wish: Wish, world: World) -> list[Decision]:
        """What the act brings about: for a merge, on both sides."""
        act, now = wish.act, self.clock.now()
        if act.into is None:
            return [lifecycle.decide(incident, act, wish.actor, world, now)]
        target = await loading.load(tx, act.into)
        if target is None or not sight.sees(wish.actor, target.incident):
            detail = f"There is no incident {act.into} that you may see."
            raise ValidationFailed(detail, errors=(Pointer("/into", detail),))
        return list(lifecycle.merge(incident, target.incident, act, wish.actor, world, now))


def _visible(loaded: Loaded | None, incident_id: UUID, actor: Actor) -> Loaded:
    if loaded is None or not sight.sees(actor, loaded.incident):
        raise NotFound(f"There is no incident {incident_id} that you may see.")
    return loaded


async def _was_done(tx: Transaction, incident_id: UUID, stamp: Stamp) -> bool:
    done = await saving.stamped_hash(tx, incident_id, stamp.subject, stamp.key)
    if done is not None and done != stamp.body_hash:
        raise IdempotencyMismatch(
            "This Idempotency-Key was already used with another body: send the first body again, or a new key."
        )
    return done is not None


_OF_AN_APPEAL = (Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL)


def _demand_named(incident: Incident, act: Act) -> None:
    """A request or appeal that was decided meanwhile is told by the rules, one that never was is not found."""
    if act.request is not None and not 1 <= act.request <= len(incident.requests):
        raise NotFound(f"Incident {incident.number} has no request {act.request}.")
    call = incident.call_numbered(act.call or 0)
    if act.arrow in _OF_AN_APPEAL and (call is None or call.appeal is None):
        raise NotFound(f"Incident {incident.number} has no appeal against a call {act.call}: see its calls.")


def _demand_version(wanted: frozenset[str] | None, version: int) -> None:
    if wanted is not None and str(version) not in wanted:
        raise VersionMoved(f'The incident is now at version "{version}": read it again, then decide anew.')


def _after(loaded: Loaded, decision: Decision, world: World) -> Standing:
    """The view of what was just committed, without reading it again."""
    calls = list(loaded.calls)
    if decision.ended:
        calls[decision.ended.seq - 1] = decision.ended
    if decision.opened:
        calls.append(decision.opened)
    row = {**loaded.row, **incident_columns(decision.after)}
    return Standing(row, tuple(calls), decision.after.requests, world)
