"""What people do to an incident: one route a verb of contract §3, all of one shape."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as FromPath
from pydantic import Field

from service.incidents.action_requests import RESPONSES, Action, DecideBody
from service.incidents.schemas import Short, example
from service.rules.model import Act
from service.rules.words import Arrow, Ground
from service.web.text import Body, LongText, Moment, words

router = APIRouter(prefix="/v1/incidents/{incident_id}", tags=["actions · 处置"])


class AnswerBody(Body):
    """What the unit will do, who can be asked, and what it promises (domain page §2.2, four elements)."""

    model_config = example(
        measure="今天下午清运", contact="值班电话 020-0000 0000", promised_by="2026-11-23T18:00:00+08:00"
    )

    measure: LongText
    contact: Annotated[str, *words(200)] | None = None
    promised_by: Moment | None = Field(None, description="a promise to people; it moves no deadline")


@router.post("/answer", summary="b · answer: take the call on · 应", responses=RESPONSES)
async def answer_call(body: AnswerBody, action: Action) -> Response:
    """By the called unit. The resolve box starts; `promised_by` is a promise to people and moves no deadline."""
    return await action.carry_out(Act(Arrow.ANSWER, body.measure, answer=body.model_dump(mode="json")), body)


class ResolveBody(Body):
    """The result, and pictures of it."""

    model_config = example(result="已清运并冲洗地面")

    result: LongText
    attachments: Annotated[tuple[Short, ...], Field(max_length=20)] = ()


@router.post("/resolve", summary="c · resolve: it is done · 办结", responses=RESPONSES)
async def resolve(body: ResolveBody, action: Action) -> Response:
    """By the called unit; without an answer before, it counts as answered in the same instant."""
    return await action.carry_out(Act(Arrow.RESOLVE, body.result, attachments=body.attachments), body)


class RaiseBody(Body):
    """The ground of the raise, and why."""

    model_config = example(ground="beyond_powers", reason="需要执法权,社区无权处理")

    ground: Ground
    reason: LongText


@router.post("/raise", summary="d · raise: call the next level · 上呼", responses=RESPONSES)
async def raise_incident(body: RaiseBody, action: Action) -> Response:
    """By the called unit, at levels 1–3, with a ground. Legitimate: it counts as raised, never as missed."""
    return await action.carry_out(Act(Arrow.RAISE, body.reason, ground=body.ground), body)


class UntilBody(Body):
    """The date that a hold or extension is wanted until, and why."""

    model_config = example(until="2026-12-31T18:00:00+08:00", reason="等待施工许可,年底前批复")

    until: Moment
    reason: LongText


@router.post("/hold", summary="i · hold: ask to stop the clock until a date · 挂账", responses=RESPONSES)
async def hold(body: UntilBody, action: Action) -> Response:
    """By the called unit, before its deadline. Opens a request for the side that called; the clock runs on until it is
    approved. A leader decides for itself."""
    return await action.carry_out(Act(Arrow.HOLD, body.reason, until=body.until), body)


@router.post("/extend", summary="i · extend: ask to move the deadline · 延期", responses=RESPONSES)
async def extend(body: UntilBody, action: Action) -> Response:
    """By the called unit, before its deadline. Opens a request for the side that called; a leader decides for itself.
    In working time the deadline moves to the end of the hours that `until` lies after."""
    return await action.carry_out(Act(Arrow.EXTEND, body.reason, until=body.until), body)


RequestNumber = Annotated[int, FromPath(ge=1, le=32_767, description="its `n` in the incident's `requests`")]


@router.post("/requests/{n}/approve", summary="i · approve a request · 同意", responses=RESPONSES)
async def approve(n: RequestNumber, action: Action, body: DecideBody = DecideBody()) -> Response:  # noqa: B008
    """By the unit that called. At level 1 it is the street of the cell; after the clock raised the incident, either of
    the two."""
    return await action.carry_out(Act(Arrow.APPROVE, body.reason, request=n), body, n=n)


@router.post("/requests/{n}/refuse", summary="i · refuse a request · 不同意", responses=RESPONSES)
async def refuse(n: RequestNumber, action: Action, body: DecideBody = DecideBody()) -> Response:  # noqa: B008
    """By whoever may approve the request. The deadline stays where it is."""
    return await action.carry_out(Act(Arrow.REFUSE, body.reason, request=n), body, n=n)


class ResumeBody(Body):
    """A remark."""

    model_config = example(comment="许可已批")

    comment: LongText | None = None


@router.post("/resume", summary="j · resume: on with it, with the time that was left · 恢复", responses=RESPONSES)
async def resume(action: Action, body: ResumeBody = ResumeBody()) -> Response:  # noqa: B008
    """By the called unit, or a unit that may approve its requests; otherwise the clock resumes it on the date."""
    return await action.carry_out(Act(Arrow.RESUME, body.comment), body)


class AcceptBody(Body):
    """A remark."""

    model_config = example(comment="现场已干净")

    comment: LongText | None = None


@router.post("/accept", summary="k · accept: confirmed, closed · 核查通过", responses=RESPONSES)
async def accept(action: Action, body: AcceptBody = AcceptBody()) -> Response:  # noqa: B008
    """By its reporter, or the community or street of the cell; never by the unit that resolved it."""
    return await action.carry_out(Act(Arrow.ACCEPT, body.comment), body)


class ReasonBody(Body):
    """Why."""

    model_config = example(reason="垃圾还在原处")

    reason: LongText


@router.post("/reject", summary="l · reject: not done · 核查不通过", responses=RESPONSES)
async def reject(body: ReasonBody, action: Action) -> Response:
    """By its reporter, or the community or street of the cell; never by the unit that resolved it. The same unit is
    called again; from the second rejection on, the next level."""
    return await action.carry_out(Act(Arrow.REJECT, body.reason), body)


@router.post("/reopen", summary="n · reopen: closed but not fixed · 重开", responses=RESPONSES)
async def reopen(body: ReasonBody, action: Action) -> Response:
    """By its reporter or the street of the cell, until `reopen_until`."""
    return await action.carry_out(Act(Arrow.REOPEN, body.reason), body)


@router.post("/withdraw", summary="o · withdraw: taken back · 撤回", responses=RESPONSES)
async def withdraw(body: ReasonBody, action: Action) -> Response:
    """By its reporter, before it is resolved."""
    return await action.carry_out(Act(Arrow.WITHDRAW, body.reason), body)


class CommentBody(Body):
    """What there is to say."""

    model_config = example(text="现场照片已发到群里")

    text: LongText


@router.post("/comment", summary="Say something · 留言", responses=RESPONSES)
async def comment(body: CommentBody, action: Action) -> Response:
    """By its reporter and every unit of its chain, in any state. The version stays."""
    return await action.carry_out(Act(Arrow.COMMENT, body.text), body)


class UrgeBody(Body):
    """The push, in words."""

    model_config = example(message="居民等了两小时,请尽快处理")

    message: LongText


@router.post("/urge", summary="Push without changing anything · 催办", responses=RESPONSES)
async def urge(body: UrgeBody, action: Action) -> Response:
    """By its reporter and the units that called. The version stays."""
    return await action.carry_out(Act(Arrow.URGE, body.message), body)
