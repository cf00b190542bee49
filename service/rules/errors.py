"""Every refusal, as one tree. `web/problems.py` maps each family to one HTTP status.

SihuError
├── Unauthorized                 no valid key                               401
├── BadRequest                   the request cannot be read                 400
│   ├── BadJson                  the body is not JSON
│   └── BadCursor                a cursor from elsewhere, or an altered one
├── TooLarge                     the body passes the limit                  413
├── UnsupportedMedia             the body is of another type, or encoded    415
├── NotFound                     unknown here, or not yours to see          404
├── NotYours                     you see it, but may not do this            403
├── VersionMoved                 If-Match names an older version            412
├── Conflict                     the state does not allow it                409
│   ├── IllegalTransition        no such arrow from this state
│   └── SourceTaken              the source pair belongs to an incident you may not see
├── Invalid                      readable, but wrong                        422
│   ├── ValidationFailed         what the request alone shows
│   ├── IdempotencyMismatch      the key was used with another body
│   └── UnknownReference         a body names a row that the registry does not have
│       ├── UnknownCell
│       ├── UnknownCategory
│       └── UnknownUnit
└── Unavailable                  the database cannot be reached             503
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Pointer:
    """One fault in a body: `pointer` is an RFC 6901 JSON Pointer, `detail` says what to send instead."""

    pointer: str
    detail: str


class SihuError(Exception):
    """A refusal with a stable `code` for machines and a `detail` that tells a person what to do next."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, errors: Sequence[Pointer] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class Unauthorized(SihuError):
    code, title = "unauthorized", "A valid key is needed"


class BadRequest(SihuError):
    code, title = "bad_request", "The request cannot be read"


class BadJson(BadRequest):
    code, title = "bad_json", "The body is not valid JSON"


class BadCursor(BadRequest):
    code, title = "bad_cursor", "The cursor is not one of ours"


class TooLarge(SihuError):
    code, title = "body_too_large", "The body is too large"


class UnsupportedMedia(SihuError):
    code, title = "unsupported_media_type", "This kind of body is not read here"


class NotFound(SihuError):
    code, title = "not_found", "Not found"


class NotYours(SihuError):
    code, title = "not_yours", "You may not do this here"


class VersionMoved(SihuError):
    code, title = "version_moved", "It has changed since you read it"


class Conflict(SihuError):
    code, title = "conflict", "Not possible as things stand"


class IllegalTransition(Conflict):
    """A refusal with the `state` that the incident is in and the verbs that this actor could use instead."""

    code, title = "illegal_transition", "Not possible in this state"

    def __init__(self, detail: str, *, state: str, allowed: Sequence[str]) -> None:
        super().__init__(detail)
        self.state = state
        self.allowed = tuple(allowed)


class SourceTaken(Conflict):
    code, title = "source_taken", "This source reference is already used"


class Invalid(SihuError):
    code, title = "invalid", "The request cannot be carried out as written"


class ValidationFailed(Invalid):
    code, title = "validation_failed", "Some fields are wrong"


def wrong_field(pointer: str, detail: str) -> ValidationFailed:
    """The refusal of one field of a body. The problem as a whole and the field have the same `detail`."""
    return ValidationFailed(detail, errors=(Pointer(pointer, detail),))


class IdempotencyMismatch(Invalid):
    code, title = "idempotency_mismatch", "This Idempotency-Key was used with another body"


class UnknownReference(Invalid):
    """A body names a row that the registry does not have; `pointer` says where in the body."""

    code, title = "unknown_reference", "The registry has no such row"

    def __init__(self, detail: str, pointer: str) -> None:
        super().__init__(detail, errors=(Pointer(pointer, detail),))


class UnknownCell(UnknownReference):
    code, title = "unknown_cell", "No such grid cell"


class UnknownCategory(UnknownReference):
    code, title = "unknown_category", "No such category"


class UnknownUnit(UnknownReference):
    code, title = "unknown_unit", "No such unit"


class Unavailable(SihuError):
    """The database cannot be reached. `cause` is the database's own message: for ops and logs, never for the caller."""

    code, title = "unavailable", "The service cannot reach its database"

    def __init__(self, detail: str, *, cause: str = "") -> None:
        super().__init__(detail)
        self.cause = cause
