"""A merge in the use case: the target is looked up, and what is said to a merged incident goes to the open end of its
chain (contract §2, "Merge loosens nothing")."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from service.context import Context
from service.incidents.likeness import likeness
from service.rules import access, lifecycle
from service.rules.access import Party
from service.rules.acts import Act
from service.rules.decisions import Decision
from service.rules.errors import Rule, wrong_field
from service.rules.model import Actor, Incident
from service.rules.sentences import Sentence
from service.rules.words import Arrow
from service.rules.world import World
from service.store.database import Transaction
from service.store.incidents import loading
from service.store.incidents.loading import Loaded
from service.store.incidents.saving import Stamp

WORDS = frozenset({Arrow.COMMENT, Arrow.URGE, Arrow.REJECT, Arrow.REOPEN, Arrow.RATE})
"""What reaches the survivor when it is sent to a merged incident."""


def goes_on(incident: Incident, act: Act, actor: Actor) -> bool:
    """Whether an act on a merged incident is one on its survivor. A street rates the calls of the merged one itself."""
    is_street_rating = act.arrow is Arrow.RATE and actor.unit == incident.street
    return incident.merged_into is not None and act.arrow in WORDS and not is_street_rating


def stamp_beyond(incident_id: UUID, stamp: Stamp | None) -> Stamp | None:
    """The stamp of words to a merged incident, as the survivor's log has it: the same key sent to the survivor itself
    is another one."""
    if stamp is None or stamp.key is None:
        return stamp
    return Stamp(stamp.subject, f"{incident_id}/{stamp.key}", stamp.body_hash)


async def target_of(tx: Transaction, act: Act, actor: Actor, world: World, now: datetime) -> Loaded | None:
    """The incident into which an act merges; None when there is none that the actor sees.

    Raises:
        NotYours: the actor may not merge anything into it.
    """
    loaded = await loading.load(tx, act.into) if act.into else None
    party = access.party(actor, loaded.incident) if loaded else None
    if loaded is None or party is None or not party.relations:
        return None
    lifecycle.authorize_target(loaded.incident, party, world, now)
    return loaded


def merge(
    context: Context, loaded: Loaded, target: Loaded | None, act: Act, party: Party, world: World, now: datetime
) -> list[Decision]:
    """A merge is decided on both sides (arrow q).

    Raises:
        ValidationFailed, IllegalTransition, Conflict: merging is not possible as the two incidents stand.
    """
    if target is None:
        lifecycle.decide(loaded.incident, act, party, world, now)  # its own state comes before what the body names
        unseen = Sentence("There is no incident {incident} that you may see.", incident=str(act.into))
        raise wrong_field("/into", unseen, Rule.UNKNOWN)
    target_party = access.party(party.actor, target.incident)
    both, alike = (loaded.incident, target.incident), likeness(context, loaded, target.row)
    return list(lifecycle.merge(*both, act, party, target_party, alike, world, now))
