"""Every refusal, as one tree. `web/problems.py` maps each family to one HTTP status.

SihuError
├── Unauthorized                 no valid key                               401
├── BadRequest                   the request cannot be read                 400
│   ├── BadJson                  the body is not JSON
│   └── BadCursor                a cursor from elsewhere, or an altered one
├── TooLarge                     the body passes the limit                  413
├── HeadTooLarge                 the head passes the limit                  431
├── TooSlow                      the request did not arrive in time         408
├── UnsupportedMedia             the body is of another type, or encoded    415
├── NotFound                     unknown here, or not yours to see          404
├── NotYours                     you see it, but may not do this            403
│   ├── AddressNotAllowed        the key is bound to other networks
│   └── ForeignOrigin            a session, and a page of another site
├── HistoryChanged               the log lacks what you read last           410
├── CursorExpired                the log keeps no events as old as that     410
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
├── TooMany                      more at once than one subject may have     429
│   └── QuotaReached             as much in an hour or a day as one subject may
├── InternalError                a fault of the service, never of a request 500
└── Unavailable                  the database cannot be reached             503
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from service.rules.sentences import Sentence


class Rule(StrEnum):
    """The rule that a value breaks, for a program that shows words of its own. The list is closed."""

    MISSING = "missing"
    UNKNOWN_FIELD = "unknown_field"  # `allowed`: the names that are known
    GIVEN_TWICE = "given_twice"
    EITHER_OR = "either_or"  # `allowed`: the names of which exactly one is sent
    NOT_ALLOWED = "not_allowed"  # the field belongs to another kind of request: leave it out
    WRONG_TYPE = "wrong_type"  # `type`: the JSON type to send
    NOT_ONE_OF = "not_one_of"  # `allowed`
    PATTERN = "pattern"  # `pattern`
    TOO_SHORT = "too_short"  # `min`: characters of a text, members of a list
    TOO_LONG = "too_long"  # `max`
    OUT_OF_RANGE = "out_of_range"  # `min`, `max`: of a number or a time
    BLANK = "blank"
    BLANK_AT_END = "blank_at_end"
    LINE_BREAK = "line_break"
    CONTROL_CHARACTER = "control_character"
    HIDDEN_CHARACTER = "hidden_character"  # one that cannot be seen, or that turns the direction of the text
    COMBINING_MARKS = "combining_marks"  # `max`: on one letter
    NOT_UNICODE = "not_unicode"
    PERSONS_NUMBER = "persons_number"  # a name that is a phone or identity number, or has one in it
    BAD_TIME = "bad_time"
    BAD_DAY = "bad_day"
    BAD_ID = "bad_id"
    NOT_IN_FUTURE = "not_in_future"  # `min`
    UNKNOWN = "unknown"  # the registry has no such row
    TAKEN = "taken"
    NOT_POSSIBLE = "not_possible"  # as things stand; another value may be possible
    BAD_FILE = "bad_file"


@dataclass(frozen=True, slots=True)
class Pointer:
    """One fault in a body: `pointer` is an RFC 6901 JSON Pointer, `detail` says what to send instead, `rule` what was
    broken, with the bounds that the rule names."""

    pointer: str
    detail: Sentence
    rule: Rule = Rule.NOT_POSSIBLE
    bounds: Mapping[str, object] = field(default_factory=dict, hash=False)


class SihuError(Exception):
    """A refusal with a stable `code` for machines and a `detail` that tells a person what to do next. `retryable` says
    whether it helps to wait and send the same again; otherwise the request has to change."""

    code: ClassVar[str]
    title: ClassVar[Sentence]
    retryable: ClassVar[bool] = False

    def __init__(self, detail: Sentence, *, errors: Sequence[Pointer] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)


class Unauthorized(SihuError):
    code, title = "unauthorized", Sentence("A valid key is needed")


class BadRequest(SihuError):
    code, title = "bad_request", Sentence("The request cannot be read")


class BadJson(BadRequest):
    code, title = "bad_json", Sentence("The body is not valid JSON")


class BadCursor(BadRequest):
    code, title = "bad_cursor", Sentence("The cursor is not one of ours")


class TooLarge(SihuError):
    code, title = "body_too_large", Sentence("The body is too large")


class HeadTooLarge(SihuError):
    code, title = "head_too_large", Sentence("The head of the request is too large")


class TooSlow(SihuError):
    code, title = "too_slow", Sentence("The request did not arrive in time")
    retryable = True


class UnsupportedMedia(SihuError):
    code, title = "unsupported_media_type", Sentence("This kind of body is not read here")


class NotFound(SihuError):
    code, title = "not_found", Sentence("Not found")


class NotYours(SihuError):
    code, title = "not_yours", Sentence("You may not do this here")


class AddressNotAllowed(NotYours):
    """The key is bound to networks, and the request comes from none of them."""

    code, title = "address_not_allowed", Sentence("Not from this address")


class ForeignOrigin(NotYours):
    """A page of another site sends the request with the session of a browser, or nobody says which page it is."""

    code, title = "foreign_origin", Sentence("Not from another site")


class HistoryChanged(SihuError):
    """The log was taken back by a restore or a failover, and what its reader read last was lost. `common` is the last
    cursor that both histories share (None: not known), `oldest` the one before everything."""

    code, title = "history_changed", Sentence("The log has another history")

    def __init__(self, detail: Sentence, *, oldest: str, common: str | None) -> None:
        super().__init__(detail)
        self.oldest = oldest
        self.common = common


class CursorExpired(SihuError):
    """The log keeps no events as old as those that follow the cursor. `oldest` is the cursor before all that it
    keeps."""

    code, title = "cursor_expired", Sentence("The cursor is too old")

    def __init__(self, detail: Sentence, *, oldest: str) -> None:
        super().__init__(detail)
        self.oldest = oldest


class VersionMoved(SihuError):
    code, title = "version_moved", Sentence("It has changed since you read it")


class Conflict(SihuError):
    code, title = "conflict", Sentence("Not possible as things stand")


class IllegalTransition(Conflict):
    """A refusal with the `state` that the incident is in and the verbs that this actor could use instead."""

    code, title = "illegal_transition", Sentence("Not possible in this state")

    def __init__(self, detail: Sentence, *, state: str, allowed: Sequence[str]) -> None:
        super().__init__(detail)
        self.state = state
        self.allowed = tuple(allowed)


class SourceTaken(Conflict):
    code, title = "source_taken", Sentence("This source reference is already used")


class Invalid(SihuError):
    code, title = "invalid", Sentence("The request cannot be carried out as written")


class ValidationFailed(Invalid):
    code, title = "validation_failed", Sentence("Some fields are wrong")


def wrong_field(pointer: str, detail: Sentence, rule: Rule = Rule.NOT_POSSIBLE, **bounds: object) -> ValidationFailed:
    """The refusal of one field of a body. The problem as a whole and the field have the same `detail`."""
    return ValidationFailed(detail, errors=(Pointer(pointer, detail, rule, bounds),))


class IdempotencyMismatch(Invalid):
    code, title = "idempotency_mismatch", Sentence("This Idempotency-Key was used with another body")


class UnknownReference(Invalid):
    """A body names a row that the registry does not have; `pointer` says where in the body."""

    code, title = "unknown_reference", Sentence("The registry has no such row")

    def __init__(self, detail: Sentence, pointer: str) -> None:
        super().__init__(detail, errors=(Pointer(pointer, detail, Rule.UNKNOWN),))


class UnknownCell(UnknownReference):
    code, title = "unknown_cell", Sentence("No such grid cell")


class UnknownCategory(UnknownReference):
    code, title = "unknown_category", Sentence("No such category")


class UnknownUnit(UnknownReference):
    code, title = "unknown_unit", Sentence("No such unit")


class TooMany(SihuError):
    """A subject has more requests open, or sends them faster, than one subject may. The same request is taken in
    `retry_after_s` seconds."""

    code, title = "too_many", Sentence("Too many requests at once")
    retryable = True

    def __init__(self, detail: Sentence, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class QuotaReached(TooMany):
    code, title = "quota", Sentence("As much as one subject may send for now")


class InternalError(SihuError):
    """A fault of the service. Its cause is logged and never sent."""

    code, title = "internal_error", Sentence("Something went wrong")
    retryable = True


class Unavailable(SihuError):
    """The database cannot be reached. `cause` is the database's own message and `trouble` the kind of trouble: for ops
    and logs, never for the caller."""

    code, title = "unavailable", Sentence("The service cannot reach its database")
    retryable = True

    def __init__(self, detail: Sentence, *, cause: str = "", retry_after_s: int = 1, trouble: str = "") -> None:
        super().__init__(detail)
        self.cause = cause
        self.retry_after_s = retry_after_s
        self.trouble = trouble
