"""Looking at an incident and acting on it. An act is one transaction: load the incident, let the rules decide, save the
decision; after the commit, the readers of the log are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from service.context import Context
from service.incidents import correcting, merging, talk_quota
from service.incidents.correcting import Listing
from service.places.shapes import ShapeIndex
from service.rules import access, approval, lifecycle
from service.rules.access import Party
from service.rules.acts import Act
from service.rules.arrows.judgements import call_numbered
from service.rules.decisions import Decision
from service.rules.errors import IdempotencyMismatch, NotFound, VersionMoved
from service.rules.model import Actor, Call, Incident, Request
from service.rules.sentences import Sentence
from service.rules.words import Arrow
from service.rules.world import World
from service.store.database import Transaction
from service.store.incidents import chains, loading, reports, saving
from service.store.incidents.incident_rows import incident_columns
from service.store.incidents.loading import Loaded
from service.store.incidents.saving import Stamp
from service.store.log import talk


@dataclass(frozen=True, slots=True)
class Command:
    """A person's act, and the conditions under which it is carried out. `versions`: the versions of the incident that
    If-Match allows (None: any). `stamp`: who sent the act, and the Idempotency-Key under which it is carried out only
    once."""

    act: Act
    actor: Actor
    versions: frozenset[str] | None = None
    stamp: Stamp | None = None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """An incident as it now stands. `replayed`: the same request was carried out before."""

    row: Mapping[str, Any]
    calls: tuple[Call, ...]
    requests: tuple[Request, ...]
    world: World
    replayed: bool = False

    @property
    def version(self) -> int:
        return int(self.row["version"])


async def see(context: Context, incident_id: UUID, actor: Actor) -> Loaded:
    """One incident with its calls. Raises `NotFound` when it is unknown or the actor may not see it."""
    async with context.database.read() as connection:
        loaded = await loading.load(connection, incident_id)
        return party_of(loaded, incident_id, actor, context.worlds.world, context.clock.now())[0]


async def see_all(context: Context, ids: Sequence[UUID], actor: Actor) -> dict[UUID, Loaded]:
    """The incidents that the actor may see, by id, with their calls. An unknown or hidden id is left out."""
    async with context.database.read() as connection:
        found = await loading.load_all(connection, ids)
    return {each: loaded for each, loaded in found.items() if access.party(actor, loaded.incident).relations}


async def see_with_world(context: Context, incident_id: UUID, actor: Actor) -> tuple[Loaded, World]:
    """One incident, and a world that is never older than it: the world of this process may still be the one before.

    Raises `NotFound` when the incident is unknown or the actor may not see it.
    """
    async with context.database.read() as connection:
        loaded = await loading.load(connection, incident_id)
        world = await context.worlds.seen(connection)
        return party_of(loaded, incident_id, actor, world, context.clock.now())[0], world


async def act(context: Context, incident_id: UUID, command: Command) -> IncidentView:
    """Carry out one act: on the incident itself, or, if it was merged and the act is words, on the open end of its
    chain, which is then shown.

    Raises, in this order: NotFound, IdempotencyMismatch (or a replay), NotYours, QuotaReached, VersionMoved,
    IllegalTransition;
    `Unavailable` when the database cannot be reached. A replay is found before `NotYours` is raised: a unit that
    assigned its call to another and never received the answer sends the request again when the call is no longer its
    own.
    """
    chain: list[UUID] = []
    while True:
        done = await _act_once(context, incident_id, chain, command)
        if isinstance(done, IncidentView):
            return done
        chain = done  # the incident was merged, or its survivor was, before this act had the lock


async def _act_once(
    context: Context, incident_id: UUID, chain: list[UUID], command: Command
) -> IncidentView | list[UUID]:
    """Carry out one act on the last incident of `chain`, the merges beyond the addressed one, as far as they are known.
    Only the one that changes is locked. Returns a longer chain instead when that one was merged as well."""
    act, end = command.act, chain[-1] if chain else incident_id
    async with context.database.begin() as tx:
        world = await context.worlds.fresh(tx)
        if act.arrow in talk_quota.ARROWS:
            await talk.lock(tx, command.actor.subject)
        await saving.lock(tx, [each for each in (end, act.into) if each])
        now = context.clock.now()
        addressed, party = party_of(await loading.load(tx, incident_id), incident_id, command.actor, world, now)
        loaded = addressed
        if chain:
            loaded = _with_approver(await loading.load(tx, end), end, world, now)
            party = access.party(command.actor, loaded.incident)
        if merging.goes_on(loaded.incident, act, command.actor):
            return await chains.beyond(tx, incident_id)
        stamp = merging.stamp_beyond(incident_id, command.stamp) if chain else command.stamp
        if await was_done(tx, [incident_id], command.stamp) or await was_done(tx, chain, stamp):
            shown = loaded if party.relations else addressed
            return IncidentView(shown.row, shown.calls, shown.incident.requests, world, replayed=True)
        _demand_named(loaded.incident, act)
        lifecycle.authorize(loaded.incident, act.arrow, party, world, now, act)
        target = await merging.target_of(tx, act, command.actor, world, now)
        if act.arrow in talk_quota.ARROWS:
            await talk_quota.demand(tx, command.actor.subject, now)
        demand_version(command.versions, addressed.incident.version)
        if act.into is None:
            decisions = [lifecycle.decide(loaded.incident, act, party, world, now)]
        else:
            decisions = merging.merge(context, loaded, target, act, party, world, now)
        listing = await _listed(tx, loaded, decisions[0].after, act, world, context.worlds.shapes)
        committed = await saving.save(tx, decisions, stamps={end: stamp} if stamp else None)
    if committed:
        context.tell(committed)
    context.metrics.calls_ended(decisions)
    return _view_after(loaded, decisions[0], listing, world)


async def _listed(
    tx: Transaction, loaded: Loaded, after: Incident, act: Act, world: World, shapes: ShapeIndex
) -> Listing:
    """What lists show of an incident after an act. A correction writes it beside the report."""
    listing = correcting.listing(loaded.row, after, world, shapes)
    if act.arrow is Arrow.CORRECT:
        await reports.follow(tx, after, *listing)
    return listing


def party_of(
    loaded: Loaded | None, incident_id: UUID, actor: Actor, world: World, now: datetime
) -> tuple[Loaded, Party]:
    """The loaded incident, and the actor's relations to it. Raises `NotFound` when there are none."""
    loaded = _with_approver(loaded, incident_id, world, now)
    party = access.party(actor, loaded.incident)
    if not party.relations:
        raise NotFound(_unseen(incident_id))
    return loaded, party


def _with_approver(loaded: Loaded | None, incident_id: UUID, world: World, now: datetime) -> Loaded:
    if loaded is None:
        raise NotFound(_unseen(incident_id))
    return replace(loaded, incident=approval.with_approver(loaded.incident, world, now))


def _unseen(incident_id: UUID) -> Sentence:
    return Sentence("There is no incident {incident} that you may see.", incident=str(incident_id))


async def was_done(tx: Transaction, ids: Sequence[UUID], stamp: Stamp | None) -> bool:
    """Whether the act was carried out on one of these incidents before: words to a merged incident reach one further
    along its chain, which may have been merged since."""
    if not ids or stamp is None or stamp.key is None:
        return False
    done = await saving.stamped_hash(tx, ids, stamp.subject, stamp.key)
    if done and done != stamp.body_hash:  # that of an act whose words were erased is empty
        raise IdempotencyMismatch(
            Sentence(
                "This Idempotency-Key was already used with another body: send the first body again, or a new key."
            )
        )
    return done is not None


_APPEAL_DECISIONS = (Arrow.APPROVE_APPEAL, Arrow.REFUSE_APPEAL)


def _demand_named(incident: Incident, act: Act) -> None:
    """Raises `NotFound` for a request or appeal that never existed. The rules refuse one that was decided already."""
    if act.request is not None and not 1 <= act.request <= len(incident.requests):
        raise NotFound(Sentence("Incident {number} has no request {n}.", number=incident.number, n=act.request))
    call = call_numbered(incident, act.call or 0)
    if act.arrow in _APPEAL_DECISIONS and (call is None or call.appeal is None):
        raise NotFound(
            Sentence(
                "Incident {number} has no appeal against a call {call}: see its calls.",
                number=incident.number,
                call=act.call or 0,
            )
        )


def demand_version(versions: frozenset[str] | None, version: int) -> None:
    if versions is None or str(version) in versions:
        return
    altered = next((each for each in sorted(versions) if not each.isdigit()), None)
    if altered is None:
        raise VersionMoved(
            Sentence('The incident is now at version "{version}": read it again, then decide anew.', version=version)
        )
    raise VersionMoved(
        Sentence(
            'The incident is now at version "{version}", and "{tag}" is none: perhaps a proxy altered the ETag. '
            'Read it again, then send its `version` in quotes, as in If-Match: "{version}".',
            version=version,
            tag=altered[:32],
        )
    )


def _view_after(loaded: Loaded, decision: Decision, listing: Listing, world: World) -> IncidentView:
    """The incident as the decision leaves it, put together without another read."""
    calls = list(loaded.calls)
    for changed in decision.changed:
        calls[changed.seq - 1] = changed
    if decision.opened:
        calls.append(decision.opened)
    row = {**loaded.row, **incident_columns(decision.after), **listing._asdict()}
    return IncidentView(row, tuple(calls), decision.after.requests, world)
