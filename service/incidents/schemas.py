"""The bodies people send, bounded everywhere, each with an example that can be pasted."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, FiniteFloat

from service.rules.arrows.joint import MAX_ASSISTING
from service.rules.words import Ground, Kind, ReturnReason, State, Urgency, VoidReason
from service.web.text import (
    Body,
    CategoryCode,
    Code,
    CursorText,
    GridCode,
    IdempotencyKey,
    Limit,
    LongText,
    Moment,
    Params,
    Prefix,
    one_line,
    words,
)

Short = Annotated[str, *one_line(200)]
CallNumber = Annotated[int, Field(ge=1, le=32_767, description="its `seq` in the incident's `calls`")]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Location(Body):
    """A point as the phone gave it. No default for `coord_type`: a wrong guess is 600 m off (domain page §6)."""

    lat: Annotated[FiniteFloat, Field(ge=-90, le=90)]
    lon: Annotated[FiniteFloat, Field(ge=-180, le=180)]
    coord_type: Literal["wgs84", "gcj02", "bd09", "cgcs2000"]
    accuracy_m: Annotated[FiniteFloat, Field(ge=0, le=100_000)] | None = None


class Source(Body):
    """Where it came from: `(system, ref)` stands for one incident for ever."""

    system: Annotated[str, *one_line(64)]
    ref: Short


class ReportBody(Body):
    """One incident as reported."""

    model_config = _example(
        grid_code="440105003001001",
        category="urban-0110",
        description="巷口垃圾堆积,气味大 (rubbish piled up at the mouth of the lane)",
        occurred_at="2026-11-23T08:55:00+08:00",
        source={"system": "grid-app", "ref": "A-1024"},
    )

    category: CategoryCode
    description: Annotated[str, *words(4000)]
    grid_code: GridCode | None = None
    kind: Kind = Kind.INCIDENT
    urgency: Urgency | None = Field(None, description="the category's, when left out")
    occurred_at: Moment | None = None
    on_behalf_of: Short | None = Field(None, description="ops only: the reporter's subject")
    location: Location | None = None
    source: Source | None = None
    attachments: Annotated[tuple[Short, ...], Field(max_length=20)] = ()


class BatchItem(ReportBody):
    """One report of a batch: the body of a single POST and its key."""

    idempotency_key: IdempotencyKey | None = None


class BatchBody(Body):
    """Up to 500 reports. Items are checked one by one, so that a bad one spoils no other."""

    items: Annotated[
        list[Annotated[BatchItem | Any, Field(union_mode="left_to_right")]], Field(min_length=1, max_length=500)
    ]


class AnswerBody(Body):
    """What the unit will do, who can be asked, and what it promises (domain page §2.2, four elements)."""

    model_config = _example(
        measure="今天下午清运", contact="值班电话 020-0000 0000", promised_by="2026-11-23T18:00:00+08:00"
    )

    measure: LongText
    contact: Annotated[str, *words(200)] | None = None
    promised_by: Moment | None = Field(None, description="a promise to people; it moves no deadline")


class ResolveBody(Body):
    model_config = _example(result="已清运并冲洗地面")

    result: LongText
    attachments: Annotated[tuple[Short, ...], Field(max_length=20)] = ()


class RaiseBody(Body):
    model_config = _example(ground="beyond_powers", reason="需要执法权,社区无权处理")

    ground: Ground
    reason: LongText


class UntilBody(Body):
    model_config = _example(until="2026-12-31T18:00:00+08:00", reason="等待施工许可,年底前批复")

    until: Moment
    reason: LongText


class DecideBody(Body):
    model_config = _example(reason="同意,情况属实")

    reason: LongText | None = None


class ResumeBody(Body):
    model_config = _example(comment="许可已批")

    comment: LongText | None = None


class AcceptBody(Body):
    model_config = _example(comment="现场已干净")

    comment: LongText | None = None


class ReasonBody(Body):
    model_config = _example(reason="垃圾还在原处")

    reason: LongText


class ReturnBody(Body):
    model_config = _example(reason_code="not_our_duty", reason="该路段由交通部门管养", duty="EX-003")

    reason_code: ReturnReason
    reason: LongText
    duty: Code | None = Field(None, description="the duty it cites: see GET /v1/duties")


class AssignBody(Body):
    model_config = _example(unit="team-003-1", reason="由执法队处理")

    unit: Code
    reason: LongText


class AssistBody(Body):
    model_config = _example(units=["dept-police", "dept-fire"], reason="需要联合执法")

    units: Annotated[tuple[Code, ...], Field(min_length=1, max_length=MAX_ASSISTING)]
    reason: LongText


class PartDoneBody(Body):
    model_config = _example(comment="交通已疏导")

    comment: LongText | None = None


class VoidBody(Body):
    model_config = _example(reason_code="not_an_incident", reason="现场核实无此情况")

    reason_code: VoidReason
    reason: LongText


class MergeBody(Body):
    model_config = _example(into="019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", reason="同一堆垃圾")

    into: UUID
    reason: LongText


class RateBody(Body):
    model_config = _example(score=4, comment="来得快,处理干净")

    score: Annotated[int, Field(ge=1, le=5)]
    comment: LongText | None = None
    call: CallNumber | None = Field(None, description="a street: the department's call, the last one unless named")


class AppealBody(Body):
    model_config = _example(call=1, reason="当天全区断网,无法应答")

    call: CallNumber
    reason: LongText


class CommentBody(Body):
    model_config = _example(text="现场照片已发到群里")

    text: LongText


class UrgeBody(Body):
    model_config = _example(message="居民等了两小时,请尽快处理")

    message: LongText


class ListQuery(Params):
    """Filters of `GET /v1/incidents`; all that are given must hold."""

    state: Annotated[list[State], Field(max_length=5)] = []
    level: Annotated[int, Field(ge=1, le=4)] | None = None
    unit: Code | None = None
    area: Prefix | None = None
    category: CategoryCode | None = None
    line: Code | None = None
    urgency: Urgency | None = None
    kind: Kind | None = None
    overdue: bool | None = None
    reporter: Literal["me"] | None = None
    reported_after: Moment | None = None
    reported_before: Moment | None = None
    updated_after: Moment | None = None
    limit: Limit = 50
    cursor: CursorText | None = None
