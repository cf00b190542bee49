"""Why a request that the document calls valid may be refused all the same.

Only the registry, the state of things, the time, or what was sent before can tell; or no schema has words for it. Any
other refusal says that the document promises more than the service keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from service.rules.errors import Rule

CODES = frozenset(
    {
        *("unknown_cell", "unknown_category", "unknown_unit", "unknown_reference", "not_found", "not_yours"),
        *("illegal_transition", "conflict", "version_moved", "source_taken", "idempotency_mismatch", "bad_cursor"),
        "body_too_large",  # bytes, of which a schema knows nothing
    }
)
RULES = frozenset({Rule.UNKNOWN, Rule.TAKEN, Rule.NOT_POSSIBLE, Rule.NOT_IN_FUTURE, Rule.BAD_FILE})
"""Rules that `validation_failed` may name: they are about the registry, the state or the time, or about the inside of a
file."""
NO_SCHEMA_CAN_SAY = frozenset(
    {
        ("?last", Rule.OUT_OF_RANGE),  # of the days of a calendar: not before `first`, nor too long after it
        ("/until", Rule.OUT_OF_RANGE),  # of an extension: as far as the policy lets the deadline move
        ("/on_behalf_of", Rule.MISSING),  # of ops alone
    }
)
"""Rules of single places which join two values, or a value and whoever sends it."""


def is_listed(problem: Mapping[str, Any]) -> bool:
    """Whether a valid request may be refused with this problem."""
    if problem["code"] != "validation_failed":
        return problem["code"] in CODES
    return all(
        each["rule"] in RULES or (each["pointer"], each["rule"]) in NO_SCHEMA_CAN_SAY for each in problem["errors"]
    )
