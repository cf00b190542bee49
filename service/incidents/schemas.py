"""The body of a report and the filters of the list of incidents. Every field has a limit, every body an example to
paste.

The body of an action stands beside its route."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    GetJsonSchemaHandler,
    model_validator,
)
from pydantic_core import CoreSchema

from service.rules import workers
from service.rules.errors import Rule
from service.rules.masking import looks_like_a_persons_number
from service.rules.sentences import Sentence
from service.rules.words import Kind, State, Urgency
from service.rules.workers import MAX_REPORTER, MAX_WORKER
from service.web import patterns
from service.web.breaches import WrongValue
from service.web.patterns import Shown, some_of
from service.web.text import (
    COMMAS,
    AnyMoment,
    Body,
    CategoryCode,
    Code,
    GridCode,
    IdempotencyKey,
    Limit,
    Moment,
    PageCursor,
    Params,
    Phone,
    Prefix,
    identifier,
    one_line,
    words,
)

Short = Annotated[str, *one_line(200)]
Identifier = Annotated[str, *identifier(200)]
"""A text that identifies something, such as what another system calls it."""
ReporterName = Annotated[str, *identifier(MAX_REPORTER)]
"""The subject of whoever reported something: that of a key, or of a worker for whom a key reports."""


def _of_a_worker(name: str) -> str:
    if fault := workers.fault_of(name):
        raise WrongValue(fault.detail, fault.rule)
    return name


def _impersonal(name: str) -> str:
    if looks_like_a_persons_number(name):
        raise WrongValue(workers.PERSONAL, Rule.PERSONS_NUMBER)
    return name


WorkerName = Annotated[str, *identifier(MAX_WORKER), AfterValidator(_of_a_worker), Shown(patterns.NAME_WITHOUT_SLASH)]


def _none_yet(value: object) -> object:
    if isinstance(value, list | tuple) and value:
        raise WrongValue(
            Sentence("Photos cannot be stored yet: leave attachments out, and say in words what they show."),
            Rule.TOO_LONG,
            max=0,
        )
    return value


NoAttachments = Annotated[tuple[Short, ...], Field(max_length=0), BeforeValidator(_none_yet)]
"""The list of attachments while nothing can be attached: empty, since a photo that is accepted and lost is worse than
one that is refused."""


def example(**fields: Any) -> ConfigDict:
    """The configuration of a body that shows these fields as its example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})


class OfWorkerBody(Body):
    """The body of an act that a vendor's key may carry out for one of its workers."""

    on_behalf_of: WorkerName | None = Field(
        None, description="only for a key with `may_report_for`: the worker who acts; on record is `<subject>/<worker>`"
    )


class _AsItem:
    """Shows in the document that an item is a report. Items are taken as they come, and validated one by one."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        item: dict[str, Any]
        item, _anything = handler(schema)["anyOf"]
        return item


class LocationBody(Body):
    """A point as the phone gave it. `coord_type` has no default, since a wrong guess is up to 600 m off."""

    lat: Annotated[FiniteFloat, Field(ge=-90, le=90)]
    lon: Annotated[FiniteFloat, Field(ge=-180, le=180)]
    coord_type: Literal["wgs84", "gcj02", "bd09", "cgcs2000"]
    accuracy_m: Annotated[FiniteFloat, Field(ge=0, le=100_000)] | None = None


class SourceBody(Body):
    """The system that a report came from, and its reference there. One pair of `system` and `ref` is one incident for
    ever."""

    system: Annotated[str, *identifier(64)] = Field(description="one of those that your key carries")
    ref: Identifier


class ContactBody(Body):
    """Whom to ask about a report. It is kept encrypted, shown masked, and revealed for a reason alone."""

    model_config = ConfigDict(json_schema_extra=some_of("name", "phone", "address"))

    name: Annotated[str, *one_line(100)] | None = None
    phone: Phone | None = Field(None, description="as people write it: +86, blanks, brackets, dashes, an extension")
    address: Annotated[str, *one_line(200)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> ContactBody:
        if self.name is self.phone is self.address is None:
            raise WrongValue(Sentence("Send a name, a phone or an address; else leave out contact."), Rule.MISSING)
        return self


_REPORT: dict[str, Any] = {
    "grid_code": "440105003001001",
    "category": "urban-0110",
    "description": "巷口垃圾堆积,气味大 (rubbish piled up at the mouth of the lane)",
    "occurred_at": "2026-11-23T08:55:00+08:00",
    "source": {"system": "grid-app", "ref": "A-1024"},
}


class ReportBody(Body):
    """One report: what happened, where, and of which category."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REPORT], **some_of("grid_code", "location")})

    category: CategoryCode
    description: Annotated[str, *words(4000)]
    grid_code: GridCode | None = None
    kind: Kind = Kind.INCIDENT
    urgency: Urgency | None = Field(None, description="left out: the urgency of the category")
    occurred_at: AnyMoment | None = Field(
        None,
        description="kept whatever it is; more than 5 minutes after the report, or 30 days before, it sets "
        "`time_mismatch`",
    )
    on_behalf_of: Annotated[ReporterName, AfterValidator(_impersonal)] | None = Field(
        None,
        description="for ops: the reporter's subject; for a key with `may_report_for`: the name of the worker, without "
        "a slash and of at most 64 characters; nobody else sends it",
    )
    confidential: bool = Field(
        False, description="no partner and no area reporter sees it, and only ops see who reported it"
    )
    location: LocationBody | None = None
    source: SourceBody | None = None
    contact: ContactBody | None = None
    attachments: NoAttachments = Field((), description="photos cannot be stored yet: leave it out, or send `[]`")


class BatchItem(ReportBody):
    """One report of a batch: the body of a single POST, and the idempotency key that it would send as a header."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{**_REPORT, "idempotency_key": "phone-7-0001"}],
            **some_of("grid_code", "location"),
        }
    )

    idempotency_key: IdempotencyKey | None = None


class BatchBody(Body):
    """Up to 500 reports. Each item is validated by itself, so that a faulty item does not affect the others."""

    model_config = example(items=[{**_REPORT, "idempotency_key": "phone-7-0001"}])

    items: Annotated[
        list[Annotated[BatchItem | Any, Field(union_mode="left_to_right"), _AsItem()]],
        Field(min_length=1, max_length=500),
    ]


class ListQuery(Params):
    """The filters of `GET /v1/incidents`. An incident has to match all that are given."""

    state: Annotated[list[State], COMMAS, Field(max_length=5)] = Field(
        [], description="these states, separated by commas"
    )
    level: Annotated[int, Field(ge=1, le=4)] | None = Field(None, description="the level of the last call, 1 to 4")
    unit: Code | None = Field(None, description="the unit of the last call")
    area: Prefix | None = Field(None, description="the start of the grid code: a district, street, community or cell")
    category: CategoryCode | None = Field(
        None, description="this category and those below it (codes that start with it)"
    )
    line: Code | None = Field(None, description="the line of work of the category")
    urgency: Urgency | None = Field(None, description="this urgency")
    kind: Kind | None = Field(None, description="this kind of report")
    overdue: bool | None = Field(
        None, description="true: open, and `due_at` lies before now; false: all others, also those due at this instant"
    )
    reporter: Literal["me"] | None = Field(None, description="`me`: those that you reported, by whichever key")
    approver: Literal["me"] | None = Field(
        None,
        description="`me`: those with a hold or an extension that waits for you to decide; for ops, those that only "
        "ops decide; for reporters and auditors none",
    )
    drawn: bool | None = Field(
        None,
        description="true: closed as unverified and drawn for a spot check, whether ops have looked at it or not; for "
        "ops and auditors, and nothing is drawn in the eyes of all others",
    )
    reported_after: Moment | None = Field(None, description="reported at this instant or later (the instant included)")
    reported_before: Moment | None = Field(None, description="reported before this instant (the instant excluded)")
    updated_after: Moment | None = Field(
        None, description="changed at this instant or later (the instant included); comments and urges change nothing"
    )
    limit: Limit = 50
    cursor: PageCursor = None
