"""The policy that an incident goes by: the version that it was reported under, or what stands in for a lost one."""

from __future__ import annotations

from service.rules.model import AnyIncident
from service.rules.policy import Policy
from service.rules.timers import Timer
from service.rules.words import ClockKind
from service.rules.world import World


def is_lost(world: World, incident: AnyIncident) -> bool:
    """Whether the registry lacks the version to which the incident is pinned, as when that was imported after the
    backup that was restored."""
    return incident.policy not in world.policies


def key_of(world: World, incident: AnyIncident) -> tuple[str, int]:
    """The code and version of the policy. In place of a lost one comes the one in force when the incident was reported,
    else the first one ever, so that deadlines fire and people can act.

    Raises:
        LookupError: the version is lost, and none was ever activated.
    """
    if incident.policy in world.policies:
        return incident.policy
    found = world.active(incident.reported_at)
    if found is not None:
        return found.code, found.version
    if not world.activations:
        raise LookupError(f"the policy {incident.policy} is lost, and none was ever activated")
    return world.activations[0].code, world.activations[0].version


def policy_of(world: World, incident: AnyIncident) -> Policy:
    """The policy that the incident goes by."""
    return world.policy(key_of(world, incident))


def timer_of(world: World, incident: AnyIncident, clock: ClockKind) -> Timer:
    """The timer that counts the time of a call of the incident."""
    return world.timer(key_of(world, incident), clock)
