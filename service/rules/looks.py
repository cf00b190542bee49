"""How much an actor sees of one incident that it may see at all: three sights (contract-reach §4, "Sights").

full     its reporter, the community and the street of its cell, the called unit, the unit that is asked to decide, ops
shared   the units that assist and a partner that may answer, while the call is open: masked words, but the point
masked   everybody else: area reporters, units that were called before, reporters of merged incidents, auditors

`sight` says whether an incident is seen at all. What each look shows is put together in `service/shown/`.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from service.rules import workers
from service.rules.model import Actor, AnyIncident
from service.rules.sight import member_case
from service.rules.words import CALL_OPEN_STATES, COMMUNITY_DIGITS, STREET_DIGITS, Role, State

_PSEUDONYM_DIGITS = 10


class IncidentLook(StrEnum):
    """One of the three sights of an incident."""

    FULL = "full"
    SHARED = "shared"
    MASKED = "masked"


class Standing(NamedTuple):
    """What of an incident decides how an actor sees it. The actor's unit `assists` in the last call, or its decision
    about a hold or an extension is `awaited`."""

    grid_code: str
    category: str
    reporter: str
    unit: str
    state: State
    assists: bool
    awaited: bool


def look_of(actor: Actor, incident: AnyIncident) -> IncidentLook:
    """How an actor sees an incident, as the rules know it. Its last request has to name who decides it
    (`approval.with_approver`)."""
    request = incident.open_request
    standing = Standing(
        incident.grid_code,
        incident.category,
        incident.reporter,
        incident.unit,
        incident.state,
        actor.unit is not None and actor.unit in incident.assisting,
        actor.unit is not None and request is not None and request.approver == actor.unit,
    )
    return look_at(actor, standing)


def look_at(actor: Actor, standing: Standing) -> IncidentLook:
    """How an actor sees an incident that stands so."""
    if actor.role is Role.OPS or workers.is_own(actor, standing.reporter):
        return IncidentLook.FULL
    is_partner = actor.answers_for is not None
    if not is_partner and actor.unit is not None and (standing.awaited or actor.unit in _in_charge(standing)):
        return IncidentLook.FULL
    if standing.state in CALL_OPEN_STATES and (standing.assists or _may_answer(actor, standing)):
        return IncidentLook.SHARED
    return IncidentLook.MASKED


def _in_charge(standing: Standing) -> tuple[str, str, str]:
    """The called unit, and the community and the street of the cell."""
    return standing.unit, standing.grid_code[:COMMUNITY_DIGITS], standing.grid_code[:STREET_DIGITS]


def _may_answer(actor: Actor, standing: Standing) -> bool:
    """Whether a partner may answer the call in place of its parent."""
    return any(
        case.unit == standing.unit and standing.category.startswith(case.categories) for case in member_case(actor)
    )


def pseudonym(secret: bytes, subject: str, incident_id: UUID) -> str:
    """The name under which a reporter goes in one incident: always the same there, another one in every other incident,
    and nobody without the secret of the deployment finds out whose it is."""
    # cursors are signed with the same secret, but what they sign never begins with a letter
    named = b"reporter:" + incident_id.bytes + subject.encode()
    return f"reporter-{hmac.digest(secret, named, 'sha256').hex()[:_PSEUDONYM_DIGITS]}"
