"""Revealing the contact of an incident: it is written to the log, with the reason, before anybody is answered."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from service.access import sealed_contacts
from service.access.secret_keys import Secrets
from service.access.secrets import MissingKeyError, SealedValue
from service.context import Context
from service.incidents import acting
from service.rules import personal
from service.rules.contact import Contact
from service.rules.errors import Conflict, Unavailable
from service.rules.model import Actor
from service.rules.sentences import Sentence
from service.rules.worktime import ZONE
from service.rules.world import World
from service.store.access import contacts
from service.store.database import Transaction
from service.store.incidents import loading, saving
from service.store.incidents.loading import Loaded
from service.store.incidents.saving import Stamp


@dataclass(frozen=True, slots=True)
class Revealed:
    """An incident with its contact in full. `replayed`: the same request was carried out before."""

    loaded: Loaded
    contact: Contact
    world: World
    replayed: bool


async def reveal(
    context: Context, incident_id: UUID, actor: Actor, reason: str, stamp: Stamp, versions: frozenset[str] | None
) -> Revealed:
    """Show the contact of an incident, once for each key. `versions`: those that If-Match allows (None: any).

    Raises, in this order: NotFound, NotYours, IdempotencyMismatch, VersionMoved, Conflict (there is no contact);
    `Unavailable` when the database cannot be reached, or this process lacks the key of the contact. Unlike with other
    acts, a replay is refused to whoever may not see the contact any more.
    """
    async with context.database.begin() as tx:
        world = await context.worlds.fresh(tx)
        await saving.lock(tx, [incident_id])
        now = context.clock.now()
        found = await loading.load(tx, incident_id)
        loaded, party = acting.party_of(found, incident_id, actor, world, now)
        personal.demand_may_reveal(loaded.incident, party)
        replayed = await acting.was_done(tx, [incident_id], stamp)
        if not replayed:
            acting.demand_version(versions, loaded.incident.version)
        contact = await _contact(context, tx, loaded)
        committed = None
        if not replayed:
            decision = personal.reveal(loaded.incident, reason, party, world, now)
            committed = await saving.save(tx, [decision], stamps={incident_id: stamp})
    if committed:
        context.tell(committed)
        context.metrics.reveals.labels(actor.role.value).inc()
    return Revealed(loaded, contact, world, replayed)


async def _contact(context: Context, tx: Transaction, loaded: Loaded) -> Contact:
    """The contact of an incident as it was sent. It is opened before anything is written: what cannot be shown is not
    said to be revealed."""
    incident = loaded.incident
    stored = await contacts.of_incident(tx, incident.id)
    if stored is None:
        raise Conflict(_nothing_left(loaded) if loaded.row["erased_at"] else _none_given(loaded))
    try:
        return sealed_contacts.opened(context.part(Secrets).box, incident.id, SealedValue(*stored))
    except MissingKeyError as error:
        detail = Sentence("This process does not hold the key of the contact. Ops see its log for what to do.")
        cause = f"the contact of {incident.number} is sealed by another secret key: {error}; see `sihu doctor`"
        raise Unavailable(detail, cause=cause) from error


def _none_given(loaded: Loaded) -> Sentence:
    return Sentence(
        "Incident {number} was reported without a contact: ask its reporter by a comment.",
        number=loaded.incident.number,
    )


def _nothing_left(loaded: Loaded) -> Sentence:
    return Sentence(
        "The texts of incident {number} were erased on {day}, and its contact with them: nothing is left to reveal.",
        number=loaded.incident.number,
        day=loaded.row["erased_at"].astimezone(ZONE).date().isoformat(),
    )
