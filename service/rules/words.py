"""The words of the contract as enums: states, levels, arrows, causes, outcomes, roles. Requests, answers and tables
hold exactly these values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum, StrEnum


class State(StrEnum):
    CALLING = "calling"
    ANSWERED = "answered"
    ON_HOLD = "on_hold"
    RESOLVED = "resolved"
    CLOSED = "closed"


OPEN_STATES = frozenset(State) - {State.CLOSED}
CALL_OPEN_STATES = frozenset({State.CALLING, State.ANSWERED, State.ON_HOLD})
RUNNING_STATES = frozenset({State.CALLING, State.ANSWERED})
"""The states in which a box of the last call runs."""


class DueKind(StrEnum):
    ANSWER = "answer"
    RESOLVE = "resolve"
    RESUME = "resume"
    VERIFY = "verify"


class Level(IntEnum):
    COMMUNITY = 1
    STREET = 2
    DEPARTMENT = 3
    LEADER = 4


class Arrow(StrEnum):
    """The arrows of the state diagram by their verb; `lifecycle.TRANSITIONS` gives each its letter."""

    ANSWER = "answer"
    RESOLVE = "resolve"
    RAISE = "raise"
    NO_ANSWER = "no_answer"
    NOT_RESOLVED = "not_resolved"
    RETURN = "return"
    ASSIGN = "assign"
    HOLD = "hold"
    EXTEND = "extend"
    APPROVE = "approve"
    REFUSE = "refuse"
    RESUME = "resume"
    ACCEPT = "accept"
    REJECT = "reject"
    VERIFY_TIMEOUT = "verify_timeout"
    WARNED = "warned"
    RESCHEDULED = "rescheduled"
    REOPEN = "reopen"
    WITHDRAW = "withdraw"
    VOID = "void"
    MERGE = "merge"
    CORRECT = "correct"
    FLOOD = "flood"
    ASSIST = "assist"
    PART_DONE = "part_done"
    DECLINE = "decline"
    RATE = "rate"
    APPEAL = "appeal"
    APPROVE_APPEAL = "approve_appeal"
    REFUSE_APPEAL = "refuse_appeal"
    COMMENT = "comment"
    URGE = "urge"


class Kind(StrEnum):
    INCIDENT = "incident"
    SUGGESTION = "suggestion"
    DELIBERATION = "deliberation"


class Urgency(StrEnum):
    URGENT = "urgent"
    NORMAL = "normal"


class ClockKind(StrEnum):
    WORKING = "working"
    CONTINUOUS = "continuous"


class Cause(StrEnum):
    REPORT = "report"
    RAISED = "raised"
    NO_ANSWER = "no_answer"
    NOT_RESOLVED = "not_resolved"
    RETURNED = "returned"
    ASSIGNED = "assigned"
    REJECTED = "rejected"
    REOPENED = "reopened"
    ARBITRATION = "arbitration"
    UNROUTED = "unrouted"
    CORRECTED = "corrected"


class Outcome(StrEnum):
    RESOLVED = "resolved"
    RAISED = "raised"
    NO_ANSWER = "no_answer"
    NOT_RESOLVED = "not_resolved"
    RETURNED = "returned"
    ASSIGNED = "assigned"
    CORRECTED = "corrected"
    CLOSED = "closed"


class Credit(StrEnum):
    """What a resolution is worth in the figures: nothing is settled before the other side has confirmed it."""

    PENDING = "pending"
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    REJECTED = "rejected"
    REOPENED = "reopened"


class ClosedAs(StrEnum):
    VERIFIED = "verified"
    UNVERIFIED = "unverified"
    WITHDRAWN = "withdrawn"
    VOID = "void"
    MERGED = "merged"


class Ground(StrEnum):
    BEYOND_POWERS = "beyond_powers"
    JOINT_ACTION = "joint_action"
    EMERGENCY = "emergency"
    OTHER = "other"


class ReturnReason(StrEnum):
    NOT_OUR_DUTY = "not_our_duty"
    NOT_OUR_AREA = "not_our_area"
    NOT_ENOUGH_INFORMATION = "not_enough_information"
    ALREADY_HANDLED = "already_handled"
    OTHER = "other"


class VoidReason(StrEnum):
    NOT_AN_INCIDENT = "not_an_incident"
    OUT_OF_SCOPE = "out_of_scope"
    NO_SUCH_PLACE = "no_such_place"
    UNCLEAR = "unclear"
    OTHER = "other"


class RequestKind(StrEnum):
    """The kinds of request that a called unit may make."""

    HOLD = "hold"
    EXTEND = "extend"


class Verdict(StrEnum):
    """The end of a request, or of an appeal (which cannot lapse)."""

    APPROVED = "approved"
    REFUSED = "refused"
    LAPSED = "lapsed"


class Role(StrEnum):
    REPORTER = "reporter"
    UNIT = "unit"
    AUDITOR = "auditor"
    OPS = "ops"
    SECURITY = "security"


class Right(StrEnum):
    """What an actor may do at all. Which acts on one incident are open to it depends on that incident."""

    REPORT = "report"  # report incidents, in its area
    ACT = "act"  # act on incidents
    FIGURES = "figures"  # read the appraisal of calls it may see
    WATCH = "watch"  # read the signs that somebody games the figures
    PROPOSE_DUTIES = "propose_duties"
    ADMINISTER = "administer"  # imports, duties, policies, calendars, closed months, floods, the virtual clock
    KEYS = "keys"  # make, replace, list and revoke keys


class EventType(StrEnum):
    """Every event the log can hold: `sihu.<what>.<happened>`.

    The list is closed and published in the OpenAPI document; the feed refuses a filter by any other name.
    """

    INCIDENT_REPORTED = "sihu.incident.reported"
    INCIDENT_RESOLVED = "sihu.incident.resolved"
    INCIDENT_REJECTED = "sihu.incident.rejected"
    INCIDENT_CLOSED = "sihu.incident.closed"
    INCIDENT_REOPENED = "sihu.incident.reopened"
    INCIDENT_HELD = "sihu.incident.held"
    INCIDENT_RESUMED = "sihu.incident.resumed"
    INCIDENT_COMMENTED = "sihu.incident.commented"
    INCIDENT_URGED = "sihu.incident.urged"
    INCIDENT_RATED = "sihu.incident.rated"
    INCIDENT_MERGED = "sihu.incident.merged"
    INCIDENT_CORRECTED = "sihu.incident.corrected"
    INCIDENT_CHECKED = "sihu.incident.checked"
    INCIDENT_REVEALED = "sihu.incident.revealed"
    INCIDENT_ERASED = "sihu.incident.erased"
    CALL_OPENED = "sihu.call.opened"
    CALL_ANSWERED = "sihu.call.answered"
    CALL_WARNED = "sihu.call.warned"
    CALL_MISSED = "sihu.call.missed"
    CALL_RAISED = "sihu.call.raised"
    CALL_RETURNED = "sihu.call.returned"
    CALL_ASSIGNED = "sihu.call.assigned"
    CALL_UNROUTED = "sihu.call.unrouted"
    CALL_REQUESTED = "sihu.call.requested"
    CALL_EXTENDED = "sihu.call.extended"
    CALL_REFUSED = "sihu.call.refused"
    CALL_ASSISTED = "sihu.call.assisted"
    CALL_PART_DONE = "sihu.call.part_done"
    CALL_DECLINED = "sihu.call.declined"
    CALL_RESCHEDULED = "sihu.call.rescheduled"
    CALL_APPEALED = "sihu.call.appealed"
    CALL_EXEMPTED = "sihu.call.exempted"
    CALL_APPEAL_REFUSED = "sihu.call.appeal_refused"
    POLICY_DRAFTED = "sihu.policy.drafted"
    POLICY_ACTIVATED = "sihu.policy.activated"
    REGISTRY_IMPORTED = "sihu.registry.imported"
    CALENDAR_CHANGED = "sihu.calendar.changed"
    KEY_CREATED = "sihu.key.created"
    KEY_REVOKED = "sihu.key.revoked"
    KEY_ROTATED = "sihu.key.rotated"
    SIGN_ON_CHANGED = "sihu.sign_on.changed"
    DUTY_PROPOSED = "sihu.duty.proposed"
    DUTY_APPROVED = "sihu.duty.approved"
    DUTY_REFUSED = "sihu.duty.refused"
    APPRAISAL_SEEDED = "sihu.appraisal.seeded"
    APPRAISAL_CLOSED = "sihu.appraisal.closed"
    LOG_RESTORED = "sihu.log.restored"


class UnitKind(StrEnum):
    DISTRICT = "district"
    COMMUNITY = "community"
    STREET = "street"
    COMMITTEE = "committee"
    TEAM = "team"
    STATION = "station"
    DEPARTMENT = "department"
    LEADER = "leader"
    PARTNER = "partner"


LEVEL_OF_KIND: Mapping[UnitKind, Level] = {
    UnitKind.COMMUNITY: Level.COMMUNITY,
    UnitKind.STREET: Level.STREET,
    UnitKind.COMMITTEE: Level.STREET,
    UnitKind.TEAM: Level.STREET,
    UnitKind.STATION: Level.STREET,
    UnitKind.DEPARTMENT: Level.DEPARTMENT,
    UnitKind.LEADER: Level.LEADER,
    UnitKind.DISTRICT: Level.LEADER,
}
"""The level of each kind of unit (contract §3, "Unit kinds"). A partner has no level: it assists, or answers as a
member of its parent."""

DISTRICT_DIGITS, STREET_DIGITS, COMMUNITY_DIGITS, CELL_DIGITS = 6, 9, 12, 15
"""Lengths of the codes; each is a prefix of the next (contract §1, grid cell)."""
