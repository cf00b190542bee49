"""Spot checks (抽查): of the resolutions that nobody has verified, ops look at a share that nobody can foresee.

Whether an incident is drawn when it closes as unverified follows from three things, so that everybody can reckon it
again once the month is closed and its seed is known:

seed      the 32 bytes of the seed of the month in which it closes, by the calendar of Asia/Shanghai
number    the first 8 bytes, big-endian, of HMAC-SHA256 with the seed as the key and the incident's id as the message:
          36 ASCII characters, lower case, with hyphens, such as 01939f2c-7a10-7cc3-98c4-dc0c0c07398f
percent   `spot_check` of the version of the policy to which the incident is pinned

It is drawn if number × 100 < percent × 2**64.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from service.rules import pinning
from service.rules.figures.definition import Period
from service.rules.model import AnyIncident
from service.rules.words import Credit
from service.rules.world import World

Seeds = Mapping[Period, bytes]
"""The seeds of some months."""


def is_drawn(seed: bytes, incident_id: UUID, percent: int) -> bool:
    """Whether an incident is drawn by a seed, when so many percent are."""
    code = hmac.digest(seed, str(incident_id).encode("ascii"), "sha256")
    return int.from_bytes(code[:8], "big") * 100 < percent << 64


def draws(seeds: Seeds, incident: AnyIncident, world: World, now: datetime) -> bool:
    """Whether an incident that closes as unverified is drawn. Raises `LookupError` when the month of `now` has no seed
    among these."""
    return is_drawn(seeds[Period.at(now)], incident.id, pinning.policy_of(world, incident).fair_play.spot_check)


def waits(incident: AnyIncident) -> bool:
    """Whether ops have yet to look at an incident that was drawn."""
    return incident.drawn and incident.call.credit is Credit.UNVERIFIED
