"""The actions of the called unit, of the units that approve its requests, and of the reporter. One route for each verb
of contract §3."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path as FromPath
from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from service.incidents.action_requests import RESPONSES, Action, DecideBody, responses
from service.incidents.schemas import NoAttachments, OfWorkerBody, example
from service.rules import errors
from service.rules.acts import Act
from service.rules.arrows.joint import MAX_ASSISTING, ONLY_TOGETHER
from service.rules.errors import Rule
from service.rules.words import Arrow, Ground
from service.shown.incident import IncidentWithCalls
from service.web.answers import Answer
from service.web.breaches import WrongValue
from service.web.router import Router
from service.web.text import Body, Code, LongText, Moment, words

router = Router(prefix="/v1/incidents/{incident_id}", tags=["actions"], is_hot=True)


class AnswerBody(Body):
    """What the called unit will do, whom to ask, and until when it promises the result."""

    model_config = example(
        measure="今天下午清运", contact="值班电话 020-0000 0000", promised_by="2026-11-23T18:00:00+08:00"
    )

    measure: LongText
    contact: Annotated[str, *words(200)] | None = None
    promised_by: Moment | None = Field(None, description="a promise to people, later than now; it moves no deadline")


@router.post("/answer", summary="Answer: take the call on · 应", responses=RESPONSES)
async def answer_incident(body: AnswerBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit, or a partner that is a member of it and answers for the category, takes the call on and says
    what the unit will do. The resolve box starts. `promised_by` is a promise to people and moves no deadline; one that
    has passed already is refused (422)."""
    act = Act(Arrow.ANSWER, body.measure, answer=body.model_dump(mode="json"), until=body.promised_by)
    return await action.carry_out(act, body)


class ResolveBody(Body):
    """The result of the work, in words."""

    model_config = example(result="已清运并冲洗地面")

    result: LongText
    attachments: NoAttachments = Field((), description="photos cannot be stored yet: leave it out, or send `[]`")


@router.post("/resolve", summary="Resolve: report the incident as done · 办结", responses=RESPONSES)
async def resolve_incident(body: ResolveBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit reports the incident as done. A call that was not answered yet counts as answered in the same
    instant. The verify box starts: the reporter accepts or rejects, in its second half also the community or street of
    the cell."""
    return await action.carry_out(Act(Arrow.RESOLVE, body.result, attachments=body.attachments), body)


class RaiseBody(Body):
    """The ground on which the called unit calls the next level, and the reason in words."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"ground": "beyond_powers", "reason": "需要执法权,社区无权处理"}],
            "not": {
                "properties": {"ground": {"not": {"const": Ground.JOINT_ACTION.value}}, "units": {"minItems": 1}},
                "required": ["units"],
            },
        }
    )

    ground: Ground
    reason: LongText
    units: Annotated[tuple[Code, ...], Field(max_length=MAX_ASSISTING)] = Field(
        (), description="only with `joint_action`: departments that assist the next call from its start"
    )

    @field_validator("units")
    @classmethod
    def _together(cls, units: tuple[str, ...], others: ValidationInfo) -> tuple[str, ...]:
        if units and others.data.get("ground", Ground.JOINT_ACTION) is not Ground.JOINT_ACTION:
            raise WrongValue(ONLY_TOGETHER, Rule.NOT_ALLOWED)
        return units


@router.post("/raise", summary="Raise: call the next level · 上呼", responses=responses(errors.UnknownUnit))
async def raise_incident(body: RaiseBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit, at levels 1 to 3, calls the next level itself and states the ground. A raise is legitimate: the
    call counts as raised, never as missed. With the ground `joint_action`, `units` names departments that assist the
    next call at once (吹哨报到); another ground with `units`, or a unit that is no department, is refused (422)."""
    return await action.carry_out(Act(Arrow.RAISE, body.reason, ground=body.ground, units=body.units), body)


class UntilBody(Body):
    """The instant until which a hold or an extension is requested, and the reason."""

    model_config = example(until="2026-12-31T18:00:00+08:00", reason="等待施工许可,年底前批复")

    until: Moment
    reason: LongText


@router.post("/hold", summary="Hold: ask to stop the clock until a date · 挂账", responses=RESPONSES)
async def hold_incident(body: UntilBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit asks, before its deadline, to stop the clock until a date. This opens a request; the clock runs
    on while it waits. Its `approver` decides: at level 1 the street of the cell, at levels 2 and 3 the leader in charge
    of the called unit, or of its nearest parent that has one; null: ops alone, as for a leader's request, and for holds
    of over 30 days in sum. At levels 2 and 3 ops may decide as well. Refused: a second request while one waits, and
    more holds of one incident than the policy allows."""
    return await action.carry_out(Act(Arrow.HOLD, body.reason, until=body.until), body)


@router.post("/extend", summary="Extend: ask to move the deadline · 延期", responses=RESPONSES)
async def extend_incident(body: UntilBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit asks, before its deadline, to move the deadline. This opens a request, which is decided by
    whoever decides holds, whatever its length. On a working-time clock, an `until` outside working hours stands for the
    end of the last working hours before `until`."""
    return await action.carry_out(Act(Arrow.EXTEND, body.reason, until=body.until), body)


_DECIDED = responses(errors.Conflict)
RequestNumber = Annotated[int, FromPath(ge=1, le=32_767, description="its `n` in the incident's `requests`")]


@router.post("/requests/{n}/approve", summary="Approve a request · 同意", responses=_DECIDED)
async def approve_request(
    n: RequestNumber,
    action: Action,
    body: DecideBody = DecideBody(),  # noqa: B008
) -> Answer[IncidentWithCalls]:
    """The `approver` of the request approves a hold or an extension; ops do where there is none, and may at levels 2
    and 3. Nobody decides its own request. `GET /v1/incidents?approver=me` lists what waits for you. An approved hold
    stops the clock until the date, an approved extension moves the deadline. After the deadline a request can only be
    refused."""
    return await action.carry_out(Act(Arrow.APPROVE, body.reason, request=n), body, n=n)


@router.post("/requests/{n}/refuse", summary="Refuse a request · 不同意", responses=_DECIDED)
async def refuse_request(
    n: RequestNumber,
    action: Action,
    body: DecideBody = DecideBody(),  # noqa: B008
) -> Answer[IncidentWithCalls]:
    """Whoever may approve the request refuses it. The deadline stays where it is."""
    return await action.carry_out(Act(Arrow.REFUSE, body.reason, request=n), body, n=n)


class ResumeBody(Body):
    """A remark for the timeline; it may be left out."""

    model_config = example(comment="许可已批")

    comment: LongText | None = None


@router.post("/resume", summary="Resume: the clock runs on with the time that was left · 恢复", responses=RESPONSES)
async def resume_incident(action: Action, body: ResumeBody = ResumeBody()) -> Answer[IncidentWithCalls]:  # noqa: B008
    """The called unit, or whoever could approve the hold, ends it before its date. The incident is in the
    state before the hold again, and the clock runs on with the time that was left. Otherwise the clock resumes the
    incident on the date of the hold."""
    return await action.carry_out(Act(Arrow.RESUME, body.comment), body)


class AcceptBody(OfWorkerBody):
    """A remark for the timeline; it may be left out."""

    model_config = example(comment="现场已干净")

    comment: LongText | None = None


@router.post("/accept", summary="Accept: confirm the resolution · 核查通过", responses=RESPONSES)
async def accept_incident(action: Action, body: AcceptBody = AcceptBody()) -> Answer[IncidentWithCalls]:  # noqa: B008
    """The reporter confirms that the incident is done; in the second half of the verify box the community or street of
    its cell may as well (before: 409), but not one that is below the unit that resolved it. That unit never may. The
    incident is closed as `verified`. What was drawn for a spot check ops accept after it closed as unverified, once:
    the resolution then counts as verified, and the incident stays closed as it is."""
    return await action.carry_out(Act(Arrow.ACCEPT, body.comment), body)


class ReasonBody(OfWorkerBody):
    """The reason, in words."""

    model_config = example(reason="垃圾还在原处")

    reason: LongText


@router.post("/reject", summary="Reject: refuse the resolution · 核查不通过", responses=RESPONSES)
async def reject_incident(body: ReasonBody, action: Action) -> Answer[IncidentWithCalls]:
    """The reporter, or that of an incident merged into it, says that the incident is not done; in the second half of
    the verify box the community or street of its cell may as well (before: 409), but not one that is below the unit
    that resolved it. That unit never may. The same unit is called again. From the second rejection on, counted anew
    after a reopening, the next level is called; from the third on, only the street or ops may reject, at any time. What
    was drawn for a spot check ops reject after it closed as unverified, once, whatever `reopen_until`. A rejection of a
    merged incident goes to the one at the end of its chain of merges, which is then shown."""
    return await action.carry_out(Act(Arrow.REJECT, body.reason), body)


@router.post("/reopen", summary="Reopen: closed but not fixed · 重开", responses=RESPONSES)
async def reopen_incident(body: ReasonBody, action: Action) -> Answer[IncidentWithCalls]:
    """The reporter, or that of an incident merged into it, or the street of the cell opens a closed incident again,
    until `reopen_until` and at most twice. The unit at which the incident was closed is called, the second time the
    next level. An incident closed as `void` is reopened by its reporters alone and only once, and then the street is
    called. An incident closed as `withdrawn` cannot be reopened. A request to reopen a merged one goes to the incident
    at the end of its chain of merges, which is then shown."""
    return await action.carry_out(Act(Arrow.REOPEN, body.reason), body)


@router.post("/withdraw", summary="Withdraw: take a report back · 撤回", responses=RESPONSES)
async def withdraw_incident(body: ReasonBody, action: Action) -> Answer[IncidentWithCalls]:
    """The reporter takes the incident back before it is resolved. The incident is closed as `withdrawn`. Refused once
    an incident of another reporter was merged into this one."""
    return await action.carry_out(Act(Arrow.WITHDRAW, body.reason), body)


class CommentBody(OfWorkerBody):
    """The comment, in words."""

    model_config = example(text="现场照片已发到群里")

    text: LongText


_TALK = responses(errors.QuotaReached)


@router.post("/comment", summary="Comment on the incident · 留言", responses=_TALK)
async def comment_incident(body: CommentBody, action: Action) -> Answer[IncidentWithCalls]:
    """The reporter, the community and street of the cell, every unit that was ever called or asked to assist, and the
    reporters of merged incidents write on the timeline, in any state. The version of the incident does not change. What
    is sent to a merged incident goes to the one at the end of its chain of merges, which is then shown.
    Comments and urges are 60 an hour at most, together: then 429 `quota`, and `Retry-After` says how long."""
    return await action.carry_out(Act(Arrow.COMMENT, body.text), body)


class UrgeBody(OfWorkerBody):
    """The message to the called unit."""

    model_config = example(message="居民等了两小时,请尽快处理")

    message: LongText


@router.post("/urge", summary="Urge the called unit · 催办", responses=_TALK)
async def urge_incident(body: UrgeBody, action: Action) -> Answer[IncidentWithCalls]:
    """The reporter, the community and street of the cell, every unit that was ever called or asked to assist, and the
    reporters of merged incidents urge the called unit, until the incident is resolved. The called unit itself and its
    members may not. State, deadline and version do not change. What is sent to a merged incident goes to the one at the
    end of its chain of merges, which is then shown. Comments and urges are 60 an hour at most, together:
    then 429 `quota`, and `Retry-After` says how long."""
    return await action.carry_out(Act(Arrow.URGE, body.message), body)
