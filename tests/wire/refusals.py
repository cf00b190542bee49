"""Why a request that the document calls valid may be refused all the same.

Only the registry, the state of things, the time, or what was sent before can tell; or no schema has words for it. Any
other refusal says that the document promises more than the service keeps.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.rules.errors import Rule

CODES = frozenset(
    {
        *("unknown_cell", "unknown_category", "unknown_unit", "unknown_reference", "not_found", "not_yours"),
        *("illegal_transition", "conflict", "version_moved", "source_taken", "idempotency_mismatch", "bad_cursor"),
        *("history_changed", "cursor_expired", "quota"),
        "body_too_large",  # bytes, of which a schema knows nothing
    }
)
RULES = frozenset({Rule.UNKNOWN, Rule.TAKEN, Rule.NOT_POSSIBLE, Rule.NOT_IN_FUTURE, Rule.BAD_FILE})
"""Rules that `validation_failed` may name: they are about the registry, the state or the time, or about the inside of a
file."""
_DURATIONS = ("answer", "resolve", "verify", "reopen", "longest", "suggestion", "deliberation", "appeal")
NO_SCHEMA_CAN_SAY = frozenset(
    {
        *((name, Rule.OUT_OF_RANGE) for name in ("?first", "?last")),  # of a calendar: in order, and not too far apart
        ("to", Rule.OUT_OF_RANGE),  # of a flood: after its beginning, and a day after it at most
        ("until", Rule.OUT_OF_RANGE),  # of an extension: as far as the policy lets the deadline move
        ("on_behalf_of", Rule.MISSING),  # of ops alone
        *(
            ("on_behalf_of", rule) for rule in (Rule.PATTERN, Rule.TOO_LONG)
        ),  # of a worker, where a vendor's key names it
        ("call", Rule.NOT_ALLOWED),  # of a rating: reporters rate the incident, streets a call
        ("?sign", Rule.NOT_ONE_OF),  # of the decisions of ops
        ("code", Rule.NOT_ONE_OF),  # of a version of a policy: that of the path
        ("day", Rule.GIVEN_TWICE),  # of a calendar: the rows are apart in other fields
        ("allow", Rule.OUT_OF_RANGE),  # of a network: zeros behind the bits that count
        *((name, Rule.OUT_OF_RANGE) for name in _DURATIONS),  # of 400 days at most, in whatever unit
    }
)
"""Rules of single fields which join two values, or a value and whoever sends it."""


_BEYOND = re.compile(r"U\+[0-9A-F]{5,6}\b")
"""A character beyond U+FFFF, which the patterns leave out, since each dialect has a writing of its own for it."""


def is_listed(problem: Mapping[str, Any]) -> bool:
    """Whether a valid request may be refused with this problem."""
    if problem["code"] != "validation_failed":
        return problem["code"] in CODES
    return all(map(_needs_more_than_a_schema, problem["errors"]))


def _needs_more_than_a_schema(error: Mapping[str, Any]) -> bool:
    place = [each for each in error["pointer"].split("/") if not each.isdecimal()][-1]
    return (
        error["rule"] in RULES
        or (place, error["rule"]) in NO_SCHEMA_CAN_SAY
        or error["rule"] == Rule.COMBINING_MARKS  # so many on one letter: nobody counts in a pattern
        or error["rule"] == Rule.PERSONS_NUMBER  # checked by its last digit, or hidden among other characters
        or _BEYOND.search(error["detail"]) is not None
    )
