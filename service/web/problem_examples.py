"""One example of every problem, for the OpenAPI document and the page of problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from service.rules import errors
from service.rules.errors import Pointer, Rule, SihuError
from service.rules.sentences import Sentence
from service.rules.words import Arrow, State
from service.web.breaches import MISSING
from service.web.doors import AS_JSON

HEAD_BYTES = 64 * 1024
HEAD_S, BODY_S = 10, 30
HEAD_TOO_LARGE = Sentence(
    "The head of a request may have {max} bytes in all: send fewer or shorter headers, and a shorter address.",
    max=HEAD_BYTES,
)
HEAD_TOO_SLOW = Sentence("The head of the request did not arrive within {max} s: send the request again.", max=HEAD_S)
BODY_TOO_SLOW = Sentence(
    "The body did not arrive within {max} s, and nothing was done: send it again, or less at once on a slow network.",
    max=BODY_S,
)

FOREIGN = Sentence(
    "A session is good for pages of this site alone, and the browser has to say so (Origin or Sec-Fetch-Site). "
    "Programs send a key: `Authorization: Bearer sihu_…`."
)
_CELL = Sentence("Grid cell {cell} is not in the registry: see GET /v1/grid-cells.", cell="440105999999999")
_CATEGORY = Sentence("Category {category} is not in the registry: see GET /v1/categories.", category="urban-9999")
_UNIT = Sentence("Unit {unit} is not in force: see GET /v1/units.", unit="440105999")


@dataclass(frozen=True, slots=True)
class Example:
    """The detail, errors and further members of one problem, as an answer would have them."""

    detail: Sentence
    errors: Sequence[Pointer] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)


EXAMPLES: Mapping[type[SihuError], Example] = {
    errors.Unauthorized: Example(
        Sentence("Send a key: `Authorization: Bearer sihu_…`. Ops make one with `sihu keys create`.")
    ),
    errors.BadRequest: Example(
        Sentence("The query string has more than {max} bytes: send fewer filters.", max=8 * 1024)
    ),
    errors.BadJson: Example(
        Sentence(
            "The body is not JSON: {why}. Correct it and send it again.",
            why=Sentence("line {line} cannot be read on from character {column}", line=1, column=18),
        )
    ),
    errors.BadCursor: Example(
        Sentence("Send next_cursor back unchanged and with the same filters, or leave it out to start again.")
    ),
    errors.TooLarge: Example(
        Sentence("The body has more than {max} bytes: send less, or several requests.", max=64 * 1024)
    ),
    errors.HeadTooLarge: Example(HEAD_TOO_LARGE),
    errors.TooSlow: Example(BODY_TOO_SLOW),
    errors.UnsupportedMedia: Example(AS_JSON),
    errors.NotFound: Example(
        Sentence("There is no incident {incident} that you may see.", incident="019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11")
    ),
    errors.NotYours: Example(
        Sentence(
            "Only {parties:or} may {verb} this incident.",
            parties=[Sentence("the unit that is called")],
            verb=Arrow.ANSWER,
        )
    ),
    errors.AddressNotAllowed: Example(
        Sentence(
            "This key is not for use from {address}. Send it from where it belongs, or ask ops.", address="203.0.113.7"
        )
    ),
    errors.ForeignOrigin: Example(FOREIGN),
    errors.HistoryChanged: Example(
        Sentence(
            "The log was restored or has failed over, and what you read last is not in it. Go on from `common`: take "
            "back what you read after it, other events came instead."
        ),
        extras={"oldest": "WzBd…", "common": "WzQyXQ…"},
    ),
    errors.CursorExpired: Example(
        Sentence("Events as old as these are not kept any more. Go on from `oldest`: what lies between is gone."),
        extras={"oldest": "WzBd…"},
    ),
    errors.VersionMoved: Example(
        Sentence('The incident is now at version "{version}": read it again, then decide anew.', version=4)
    ),
    errors.Conflict: Example(Sentence("Incident {number} is closed: merge into an open one.", number="2026-000123")),
    errors.IllegalTransition: Example(
        Sentence(
            "The incident is {state}: {verb} needs {sources:or}.",
            state=State.CLOSED,
            verb=Arrow.ANSWER,
            sources=[State.CALLING],
        ),
        extras={"state": "closed", "allowed": ["reopen", "comment"]},
    ),
    errors.SourceTaken: Example(
        Sentence(
            "This source reference already stands for an incident you may not see: check source.system and source.ref."
        )
    ),
    errors.Invalid: Example(Sentence("The request cannot be carried out as written: correct it and send it again.")),
    errors.ValidationFailed: Example(
        Sentence("{place}: {detail}", place="/description", detail=MISSING.detail),
        (Pointer("/description", *MISSING),),
    ),
    errors.IdempotencyMismatch: Example(
        Sentence("This Idempotency-Key was already used with another body: send the first body again, or a new key.")
    ),
    errors.UnknownReference: Example(_UNIT, (Pointer("/unit", _UNIT, Rule.UNKNOWN),)),
    errors.UnknownCell: Example(_CELL, (Pointer("/grid_code", _CELL, Rule.UNKNOWN),)),
    errors.UnknownCategory: Example(_CATEGORY, (Pointer("/category", _CATEGORY, Rule.UNKNOWN),)),
    errors.UnknownUnit: Example(_UNIT, (Pointer("/unit", _UNIT, Rule.UNKNOWN),)),
    errors.TooMany: Example(
        Sentence(
            "You have {busy} requests at the database and {waiting} waiting, and more is not possible: wait until some "
            "are answered, then send this one again.",
            busy=8,
            waiting=64,
        )
    ),
    errors.QuotaReached: Example(
        Sentence(
            "You have sent {most} {most:report|reports} today, as many as one may: send this one again in {wait}, "
            "after midnight, or ask ops for more.",
            most=300,
            wait=timedelta(hours=9, minutes=12),
        )
    ),
    errors.InternalError: Example(
        Sentence(
            "Something went wrong here, not with your request. Send it again; if it stays, tell ops its X-Request-Id."
        )
    ),
    errors.Unavailable: Example(
        Sentence("The database cannot be reached: nothing was stored, send the same again in a second.")
    ),
}
"""One example for each class of errors.py; a test checks that none is missing."""


def of(kind: type[SihuError]) -> Example:
    """The example of a problem. A problem that is not in errors.py, such as a wrong method, shows its title."""
    return EXAMPLES.get(kind) or Example(Sentence("{title}.", title=kind.title))
