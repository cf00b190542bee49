"""One example of every problem, for the OpenAPI document and the page of problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.rules import errors
from service.rules.errors import Pointer, SihuError

_CELL = "The registry has no cell 440105999999999. GET /v1/grid-cells lists the cells."
_CATEGORY = "The registry has no category urban-9999. GET /v1/categories lists them."
_UNIT = "The registry has no unit 440105999. GET /v1/units lists them."


@dataclass(frozen=True, slots=True)
class Example:
    """The detail, errors and further members of one problem, as an answer would have them."""

    detail: str
    errors: Sequence[Pointer] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)


EXAMPLES: Mapping[type[SihuError], Example] = {
    errors.Unauthorized: Example("Send a key: `Authorization: Bearer sihu_…`. Ops make one with `sihu keys create`."),
    errors.BadRequest: Example("The query string has more than 8192 bytes: send fewer filters."),
    errors.BadJson: Example(
        "The body is not JSON: expecting ',' delimiter at character 17. Correct it and send again."
    ),
    errors.BadCursor: Example(
        "Send next_cursor back unchanged and with the same filters, or leave it out to start again."
    ),
    errors.TooLarge: Example("The body has more than 65536 bytes: send less, or several requests."),
    errors.UnsupportedMedia: Example("Send the body as JSON, with Content-Type: application/json."),
    errors.NotFound: Example("Nothing here has this id, or it is not yours to see: check the id."),
    errors.NotYours: Example("Only the called unit may do this: ask it, or comment."),
    errors.VersionMoved: Example("It has changed since you read it: read it again, and decide on what it says now."),
    errors.Conflict: Example("Not possible as things stand: read it again, and decide on what it says now."),
    errors.IllegalTransition: Example(
        "A closed incident cannot be answered: reopen it, or comment.",
        extras={"state": "closed", "allowed": ["reopen", "comment"]},
    ),
    errors.SourceTaken: Example(
        "This source reference already stands for an incident you may not see: check source.system and source.ref."
    ),
    errors.Invalid: Example("The request cannot be carried out as written: correct it and send again."),
    errors.ValidationFailed: Example(
        "/description: Add this field: it is required.",
        (Pointer("/description", "Add this field: it is required."),),
    ),
    errors.IdempotencyMismatch: Example(
        "This Idempotency-Key was already used with another body: send the first body again, or a new key."
    ),
    errors.UnknownReference: Example(_UNIT, (Pointer("/unit", _UNIT),)),
    errors.UnknownCell: Example(_CELL, (Pointer("/grid_code", _CELL),)),
    errors.UnknownCategory: Example(_CATEGORY, (Pointer("/category", _CATEGORY),)),
    errors.UnknownUnit: Example(_UNIT, (Pointer("/unit", _UNIT),)),
    errors.Unavailable: Example("The database cannot be reached: nothing was stored, send the same again in a second."),
}
"""One example for each class of errors.py; a test checks that none is missing."""


def of(kind: type[SihuError]) -> Example:
    """The example of a problem. A problem that is not in errors.py, such as a wrong method, shows its title."""
    return EXAMPLES.get(kind) or Example(f"{kind.title}.")
