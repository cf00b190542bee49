"""What is done with personal data and leaves an incident where it is: its contact is revealed, its texts are erased.
Neither is an arrow of the state diagram, and both are written to its log (contract-reach §4, "Sights")."""

from __future__ import annotations

from datetime import datetime

from service.rules import access
from service.rules.access import Party, Relation
from service.rules.decisions import Decision
from service.rules.errors import NotYours
from service.rules.model import By, Incident
from service.rules.sentences import Sentence
from service.rules.story import Story
from service.rules.words import EventType
from service.rules.world import World

_REVEAL = frozenset(
    {
        Relation.CALLED_UNIT,
        Relation.CELL_COMMUNITY,
        Relation.CELL_STREET,
        Relation.APPROVER,
        Relation.AUDITOR,
        Relation.OPS,
    }
)


def demand_may_reveal(incident: Incident, party: Party) -> None:
    """Raises `NotYours` unless a party may have the contact of an incident revealed: the unit that is called and those
    that were called before, the community and the street of the cell, whoever decides a request, auditors and ops.
    Where it was reported in confidence only ops may, since a contact says who reported."""
    if incident.confidential and Relation.OPS not in party.relations:
        raise NotYours(Sentence("This was reported in confidence, so only ops may see the contact: ask them."))
    if party.relations & _REVEAL or _was_called(incident, party):
        return
    detail = Sentence(
        "Only the units that are or were called, the community and the street of the cell, whoever decides a request, "
        "auditors and ops may see the contact: ask one of them to get in touch."
    )
    raise NotYours(detail)


def _was_called(incident: Incident, party: Party) -> bool:
    """Whether the party is a unit that was called. One that only assisted, or was only asked to decide, was not."""
    unit = party.actor.unit
    is_of_chain = Relation.AUDIENCE in party.relations
    return is_of_chain and any(call.unit == unit for call in (*incident.earlier, incident.call))


def reveal(incident: Incident, reason: str, party: Party, world: World, now: datetime) -> Decision:
    """The contact of an incident is shown, for a reason. A read leaves the version as it is."""
    story = Story(incident, access.by_of(party.actor), world, max(now, incident.updated_at))
    story.record(EventType.INCIDENT_REVEALED, reason)
    return story.decision()


def erase(incident: Incident, by: By, world: World, now: datetime) -> Decision:
    """The texts and the contact of an incident are erased. Whoever has read it reads it anew, since its version rises;
    its state, its calls and its deadline stay."""
    story = Story(incident, by, world, max(now, incident.updated_at))
    story.change()
    story.record(EventType.INCIDENT_ERASED)
    return story.decision()
