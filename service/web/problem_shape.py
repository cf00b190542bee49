"""The shape of a problem (RFC 9457), as every refusal and every refused item of a batch has it."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.rules.errors import Rule
from service.rules.lifecycle import TRANSITIONS
from service.rules.words import State

_Reference = Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
_VERBS = [arrow.value for arrow, each in TRANSITIONS.items() if each.by]
_Verb = Annotated[str, Field(json_schema_extra={"enum": _VERBS})]


class FieldProblem(TypedDict):
    """What is wrong in one place of a request. `rule` names the rule that was broken, for apps that show words of their
    own; the bounds of the rule stand beside it: characters of a text, members of a list, numbers or times."""

    pointer: Annotated[
        str, Field(description="JSON Pointer into the body; `?name`: a query parameter; `Name:`: a header")
    ]
    detail: str
    rule: Rule
    min: NotRequired[float | str]
    max: NotRequired[float | str]
    allowed: NotRequired[Annotated[list[str], Field(description="the values, or the names of fields, to choose from")]]
    pattern: NotRequired[str]
    type: NotRequired[Annotated[str, Field(description="the JSON type to send")]]


class Problem(TypedDict):
    """RFC 9457. `code` tells machines what happened, `detail` tells people what to do next."""

    type: _Reference
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: Annotated[_Reference, Field(description="the path of the request")]
    code: str
    retryable: Annotated[
        bool, Field(description="true: send the same again later; false: mend the request, or ask somebody")
    ]
    errors: NotRequired[list[FieldProblem]]
    state: NotRequired[Annotated[State, Field(description="illegal_transition: the state of the incident")]]
    allowed: NotRequired[
        Annotated[list[_Verb], Field(description="illegal_transition: the verbs that you may use instead")]
    ]
    oldest: NotRequired[
        Annotated[str, Field(description="history_changed, cursor_expired: the cursor before all that is kept")]
    ]
    common: NotRequired[
        Annotated[
            str | None,
            Field(description="history_changed: the last cursor that is good in both histories; null: not known"),
        ]
    ]
