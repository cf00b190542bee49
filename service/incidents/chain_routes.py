"""What the chain does among itself: give back, give on, stand by, join, judge. One route a verb of contract §3."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi import Path as FromPath

from service.incidents import schemas
from service.incidents.action_requests import RESPONSES, Action, responses
from service.rules import errors
from service.rules.model import Act
from service.rules.words import Arrow

router = APIRouter(prefix="/v1/incidents/{incident_id}", tags=["chain · 协同"])


@router.post("/return", summary="g · return: not ours · 退回", responses=RESPONSES)
async def return_call(body: schemas.ReturnBody, action: Action) -> Response:
    """By the called unit at levels 2 and 3, before it answers: back to the unit that called. Past the policy's returns
    the leader decides instead, and what a leader assigns cannot be returned."""
    act = Act(Arrow.RETURN, body.reason, code=body.reason_code.value, duty=body.duty)
    return await action.carry_out(act, body)


@router.post("/assign", summary="h · assign: give it to another unit · 指派", responses=responses(errors.UnknownUnit))
async def assign(body: schemas.AssignBody, action: Action) -> Response:
    """By the called unit: a street within itself, a department to departments and down its line, a leader to anyone,
    bindingly; by ops where no unit can. A street is not given from above what was never admitted for it. Only a leader
    may assign it to a unit that has assigned it onward before, or has raised it twice."""
    return await action.carry_out(Act(Arrow.ASSIGN, body.reason, units=(body.unit,)), body)


@router.post("/assist", summary="Ask units to one's side · 协办", responses=responses(errors.UnknownUnit))
async def assist(body: schemas.AssistBody, action: Action) -> Response:
    """By the called unit, which stays responsible. They see the incident from now on, and have it in their queues. From
    above a street, units of one that never admitted the category only if they had it before."""
    return await action.carry_out(Act(Arrow.ASSIST, body.reason, units=body.units), body)


@router.post("/part-done", summary="An assisting unit has done its part · 协办完成", responses=RESPONSES)
async def part_done(action: Action, body: schemas.PartDoneBody = schemas.PartDoneBody()) -> Response:  # noqa: B008
    """By a unit that assists, once a call."""
    return await action.carry_out(Act(Arrow.PART_DONE, body.comment), body)


@router.post("/void", summary="p · void: no incident · 不予立案", responses=RESPONSES)
async def void(body: schemas.VoidBody, action: Action) -> Response:
    """By the called unit at levels 1 and 2, before it answers. Its reporter may reopen it once, at the street."""
    return await action.carry_out(Act(Arrow.VOID, body.reason, code=body.reason_code.value), body)


@router.post("/merge", summary="q · merge: the same as another · 并案", responses=responses(errors.Conflict))
async def merge(body: schemas.MergeBody, action: Action) -> Response:
    """By the street of both cells, or ops. This one closes; its reporter and its units follow the other one from now
    on. See `/similar` for candidates. Never into one that has further to climb, or is not chased: then the other way
    round."""
    return await action.carry_out(Act(Arrow.MERGE, body.reason, into=body.into), body)


@router.post("/rate", summary="Judge the answer · 评价", responses=RESPONSES)
async def rate(body: schemas.RateBody, action: Action) -> Response:
    """The street rates a department's call that has ended, the reporter the outcome; once each. The version stays."""
    return await action.carry_out(Act(Arrow.RATE, body.comment, score=body.score, call=body.call), body)


@router.post("/appeal", summary="Appeal against a missed call · 申诉", responses=RESPONSES)
async def appeal(body: schemas.AppealBody, action: Action) -> Response:
    """By the unit that missed it, once. Granted, the call is exempt from the score; that it was missed stays."""
    return await action.carry_out(Act(Arrow.APPEAL, body.reason, call=body.call), body)


Seq = Annotated[int, FromPath(ge=1, le=32_767, description="`seq` of the call that was appealed against")]


@router.post("/appeals/{seq}/approve", summary="Grant an appeal · 申诉成立", responses=RESPONSES)
async def approve_appeal(seq: Seq, action: Action, body: schemas.DecideBody = schemas.DecideBody()) -> Response:  # noqa: B008
    """By the street of the cell or ops, never by the unit that appealed."""
    return await action.carry_out(Act(Arrow.APPROVE_APPEAL, body.reason, call=seq), body, seq=seq)


@router.post("/appeals/{seq}/refuse", summary="Refuse an appeal · 申诉不成立", responses=RESPONSES)
async def refuse_appeal(seq: Seq, action: Action, body: schemas.DecideBody = schemas.DecideBody()) -> Response:  # noqa: B008
    """By the street of the cell or ops, never by the unit that appealed. The call counts as before."""
    return await action.carry_out(Act(Arrow.REFUSE_APPEAL, body.reason, call=seq), body, seq=seq)
