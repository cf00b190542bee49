"""What the chain does among itself: give back, give on, stand by, join, judge. One route a verb of contract §3."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi import Path as FromPath
from pydantic import Field

from service.incidents.action_requests import RESPONSES, Action, DecideBody, responses
from service.incidents.schemas import example
from service.rules import errors
from service.rules.arrows.joint import MAX_ASSISTING
from service.rules.model import Act
from service.rules.words import Arrow, ReturnReason, VoidReason
from service.web.text import Body, Code, LongText

CallNumber = Annotated[int, Field(ge=1, le=32_767, description="its `seq` in the incident's `calls`")]

router = APIRouter(prefix="/v1/incidents/{incident_id}", tags=["chain · 协同"])


class ReturnBody(Body):
    """Why the call is not this unit's, as a code, in words, and by the duty it cites."""

    model_config = example(reason_code="not_our_duty", reason="该路段由交通部门管养", duty="EX-003")

    reason_code: ReturnReason
    reason: LongText
    duty: Code | None = Field(None, description="the duty it cites: see GET /v1/duties")


@router.post("/return", summary="g · return: not ours · 退回", responses=RESPONSES)
async def return_call(body: ReturnBody, action: Action) -> Response:
    """By the called unit at levels 2 and 3, before it answers: back to the unit that called. Past the policy's returns
    the leader decides instead, and what a leader assigns cannot be returned."""
    act = Act(Arrow.RETURN, body.reason, code=body.reason_code.value, duty=body.duty)
    return await action.carry_out(act, body)


class AssignBody(Body):
    """The unit that the call goes to, and why."""

    model_config = example(unit="team-003-1", reason="由执法队处理")

    unit: Code
    reason: LongText


@router.post("/assign", summary="h · assign: give it to another unit · 指派", responses=responses(errors.UnknownUnit))
async def assign(body: AssignBody, action: Action) -> Response:
    """By the called unit: a street within itself, a department to departments and down its line, a leader to anyone,
    bindingly; by ops where no unit can. A street is not given from above what was never admitted for it. Only a leader
    may assign it to a unit that has assigned it onward before, or has raised it twice."""
    return await action.carry_out(Act(Arrow.ASSIGN, body.reason, units=(body.unit,)), body)


class AssistBody(Body):
    """The units that are attached, and why."""

    model_config = example(units=["dept-police", "dept-fire"], reason="需要联合执法")

    units: Annotated[tuple[Code, ...], Field(min_length=1, max_length=MAX_ASSISTING)]
    reason: LongText


@router.post("/assist", summary="Ask units to one's side · 协办", responses=responses(errors.UnknownUnit))
async def assist(body: AssistBody, action: Action) -> Response:
    """By the called unit, which stays responsible. They see the incident from now on, and have it in their queues. From
    above a street, units of one that never admitted the category only if they had it before."""
    return await action.carry_out(Act(Arrow.ASSIST, body.reason, units=body.units), body)


class PartDoneBody(Body):
    """A remark."""

    model_config = example(comment="交通已疏导")

    comment: LongText | None = None


@router.post("/part-done", summary="An assisting unit has done its part · 协办完成", responses=RESPONSES)
async def part_done(action: Action, body: PartDoneBody = PartDoneBody()) -> Response:  # noqa: B008
    """By a unit that assists, once a call."""
    return await action.carry_out(Act(Arrow.PART_DONE, body.comment), body)


class VoidBody(Body):
    """Why this is no incident, as a code and in words."""

    model_config = example(reason_code="not_an_incident", reason="现场核实无此情况")

    reason_code: VoidReason
    reason: LongText


@router.post("/void", summary="p · void: no incident · 不予立案", responses=RESPONSES)
async def void(body: VoidBody, action: Action) -> Response:
    """By the called unit at levels 1 and 2, before it answers. Its reporter may reopen it once, at the street."""
    return await action.carry_out(Act(Arrow.VOID, body.reason, code=body.reason_code.value), body)


class MergeBody(Body):
    """The incident to merge into, and why."""

    model_config = example(into="019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", reason="同一堆垃圾")

    into: UUID
    reason: LongText


@router.post("/merge", summary="q · merge: the same as another · 并案", responses=responses(errors.Conflict))
async def merge(body: MergeBody, action: Action) -> Response:
    """By the street of both cells, or ops. This one closes; its reporter and its units follow the other one from now
    on. See `/similar` for candidates. Never into one that has further to climb, or is not chased: then the other way
    round."""
    return await action.carry_out(Act(Arrow.MERGE, body.reason, into=body.into), body)


class RateBody(Body):
    """Stars, 5 being the best."""

    model_config = example(score=4, comment="来得快,处理干净")

    score: Annotated[int, Field(ge=1, le=5)]
    comment: LongText | None = None
    call: CallNumber | None = Field(None, description="a street: the department's call, the last one unless named")


@router.post("/rate", summary="Judge the answer · 评价", responses=RESPONSES)
async def rate(body: RateBody, action: Action) -> Response:
    """The street rates a department's call that has ended, the reporter the outcome; once each. The version stays."""
    return await action.carry_out(Act(Arrow.RATE, body.comment, score=body.score, call=body.call), body)


class AppealBody(Body):
    """The call that counts as missed, and why it should not."""

    model_config = example(call=1, reason="当天全区断网,无法应答")

    call: CallNumber
    reason: LongText


@router.post("/appeal", summary="Appeal against a missed call · 申诉", responses=RESPONSES)
async def appeal(body: AppealBody, action: Action) -> Response:
    """By the unit that missed it, once. Granted, the call is exempt from the score; that it was missed stays."""
    return await action.carry_out(Act(Arrow.APPEAL, body.reason, call=body.call), body)


Seq = Annotated[int, FromPath(ge=1, le=32_767, description="`seq` of the call that was appealed against")]


@router.post("/appeals/{seq}/approve", summary="Grant an appeal · 申诉成立", responses=RESPONSES)
async def approve_appeal(seq: Seq, action: Action, body: DecideBody = DecideBody()) -> Response:  # noqa: B008
    """By the street of the cell or ops, never by the unit that appealed."""
    return await action.carry_out(Act(Arrow.APPROVE_APPEAL, body.reason, call=seq), body, seq=seq)


@router.post("/appeals/{seq}/refuse", summary="Refuse an appeal · 申诉不成立", responses=RESPONSES)
async def refuse_appeal(seq: Seq, action: Action, body: DecideBody = DecideBody()) -> Response:  # noqa: B008
    """By the street of the cell or ops, never by the unit that appealed. The call counts as before."""
    return await action.carry_out(Act(Arrow.REFUSE_APPEAL, body.reason, call=seq), body, seq=seq)
