"""The actions between units: return, assign, assist, decline, void, merge, rate and appeal. One route for each verb of
contract §3."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Path as FromPath
from pydantic import Field

from service.incidents.action_requests import RESPONSES, Action, DecideBody, responses
from service.incidents.schemas import OfWorkerBody, example
from service.rules import errors
from service.rules.acts import Act
from service.rules.arrows.joint import MAX_ASSISTING
from service.rules.words import Arrow, ReturnReason, VoidReason
from service.shown.incident import IncidentWithCalls
from service.web.answers import Answer
from service.web.router import Router
from service.web.text import Body, Code, LongText

CallNumber = Annotated[int, Field(ge=1, le=32_767, description="its `seq` in the incident's `calls`")]

router = Router(prefix="/v1/incidents/{incident_id}", tags=["actions"], is_hot=True)


class ReturnBody(Body):
    """Why the call does not belong to the called unit: a code, a reason in words, and the duty that the unit cites."""

    model_config = example(reason_code="not_our_duty", reason="该路段由交通部门管养", duty="EX-003")

    reason_code: ReturnReason
    reason: LongText
    duty: Code | None = Field(None, description="the duty that the unit cites: see GET /v1/duties")


@router.post("/return", summary="Return: say that the call is not ours · 退回", responses=RESPONSES)
async def return_incident(body: ReturnBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit, at levels 2 and 3 and before it answers, gives the call back to the unit that called. Once the
    incident was returned as often as the policy allows, the next return calls the leader, who decides whose it is. A
    call that a leader assigned cannot be returned."""
    act = Act(Arrow.RETURN, body.reason, code=body.reason_code.value, duty=body.duty)
    return await action.carry_out(act, body)


class AssignBody(Body):
    """The unit to which the call goes, and the reason."""

    model_config = example(unit="440105003-team-1", reason="由执法队处理")

    unit: Code
    reason: LongText


@router.post("/assign", summary="Assign: give the call to another unit · 指派", responses=responses(errors.UnknownUnit))
async def assign_incident(body: AssignBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit gives the call to a unit of its own level or below: a unit of a street within that street, a
    department to departments and to teams and stations of its own line, a leader to anyone. A call that a leader
    assigned cannot be returned. Ops assign only where no unit can. Refused (422): from above, a unit of a street for
    which nobody admitted the category; from a street or department, a unit that already assigned the incident onward
    or raised it twice."""
    return await action.carry_out(Act(Arrow.ASSIGN, body.reason, units=(body.unit,)), body)


class AssistBody(Body):
    """The units that are asked to assist, and the reason."""

    model_config = example(units=["dept-police", "dept-fire"], reason="需要联合执法")

    units: Annotated[tuple[Code, ...], Field(min_length=1, max_length=MAX_ASSISTING)]
    reason: LongText


@router.post("/assist", summary="Ask further units to assist · 协办", responses=responses(errors.UnknownUnit))
async def assist_incident(body: AssistBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit asks further units to assist, and stays responsible itself. The assisting units see the incident
    from now on and have it in their queues. Refused (422): a unit above the level of the call, which a raise calls
    instead; and, when a department or leader asks, a unit of a street for which nobody admitted the category, unless
    that unit had the incident before."""
    return await action.carry_out(Act(Arrow.ASSIST, body.reason, units=body.units), body)


class PartDoneBody(Body):
    """A remark for the timeline; it may be left out."""

    model_config = example(comment="交通已疏导")

    comment: LongText | None = None


@router.post("/part-done", summary="Report the part of an assisting unit as done · 协办完成", responses=RESPONSES)
async def finish_part(action: Action, body: PartDoneBody = PartDoneBody()) -> Answer[IncidentWithCalls]:  # noqa: B008
    """An assisting unit says that its part is done, once for each call. State and deadline do not change; the called
    unit still has to resolve the incident."""
    return await action.carry_out(Act(Arrow.PART_DONE, body.comment), body)


class DeclineBody(Body):
    """Why the unit does not assist, in words."""

    model_config = example(reason="此事与我单位职责无关")

    reason: LongText


@router.post("/decline", summary="Decline to assist · 谢绝协办", responses=RESPONSES)
async def decline_incident(body: DeclineBody, action: Action) -> Answer[IncidentWithCalls]:
    """A unit that was asked to assist says that it will not, before its part is done. It assists no longer, and the
    incident leaves its queue; the timeline says why. The called unit may ask it again."""
    return await action.carry_out(Act(Arrow.DECLINE, body.reason), body)


class VoidBody(Body):
    """Why this is no incident: a code, and a reason in words."""

    model_config = example(reason_code="not_an_incident", reason="现场核实无此情况")

    reason_code: VoidReason
    reason: LongText


@router.post("/void", summary="Void: say that this is no incident · 不予立案", responses=RESPONSES)
async def void_incident(body: VoidBody, action: Action) -> Answer[IncidentWithCalls]:
    """The called unit, at levels 1 and 2 and before it answers, says that this is no incident. The incident is closed
    as `void`; its reporter may reopen it, and then the street is called. Refused (409) a second time, and once a leader
    assigned the incident."""
    return await action.carry_out(Act(Arrow.VOID, body.reason, code=body.reason_code.value), body)


class MergeBody(Body):
    """The incident into which this one is merged, and the reason."""

    model_config = example(into="019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11", reason="同一堆垃圾")

    into: UUID
    reason: LongText


@router.post(
    "/merge", summary="Merge: close the incident into another one · 并案", responses=responses(errors.Conflict)
)
async def merge_incident(body: MergeBody, action: Action) -> Answer[IncidentWithCalls]:
    """The street to which both cells belong, or ops, merge this incident into another one (`into`) that is calling or
    answered, of the same line of work, at the same level or above, and a candidate of `/similar`; only ops may merge
    what is no candidate. This incident is closed as `merged`; its reporter and its units follow the other one from now
    on. That one takes over the earlier deadline (`answer_cap`, `resolve_cap` of its call; see `/deadline`) and the
    higher urgency. Refused (409): a target of which no box runs; the called unit itself, after the late mark of its
    box. Refused (403): a unit that would merge into its own report, or into that of a unit above or below it. Refused
    (422): any other target."""
    return await action.carry_out(Act(Arrow.MERGE, body.reason, into=body.into), body)


class RateBody(OfWorkerBody):
    """A score from 1 to 5, where 5 is the best."""

    model_config = example(score=4, comment="来得快,处理干净")

    score: Annotated[int, Field(ge=1, le=5)]
    comment: LongText | None = None
    call: CallNumber | None = Field(
        None, description="for a street: the department's call that it rates; left out: the last one"
    )


@router.post("/rate", summary="Rate a call or the outcome · 评价", responses=RESPONSES)
async def rate_incident(body: RateBody, action: Action) -> Answer[IncidentWithCalls]:
    """The street of the cell rates a department's call that has ended; the reporter rates the outcome of a resolved or
    closed incident, and so does each reporter of an incident merged into it: the mean counts. Each rates once, and
    nobody rates what they resolved themselves. The version of the incident does not change. A reporter's rating of a
    merged incident goes to the one at the end of its chain of merges, which is then shown."""
    return await action.carry_out(Act(Arrow.RATE, body.comment, score=body.score, call=body.call), body)


class AppealBody(Body):
    """The call, missed or left late, against which the unit appeals, and why it should not count."""

    model_config = example(call=1, reason="当天全区断网,无法应答")

    call: CallNumber
    reason: LongText


@router.post("/appeal", summary="Appeal against a call that counts · 申诉", responses=responses(errors.Conflict))
async def appeal_call(body: AppealBody, action: Action) -> Answer[IncidentWithCalls]:
    """The unit that missed a call, or left one late (`late_exit`), appeals against it, once for each call and within
    the time that its policy gives after the end of the call (409 afterwards). Ops decide. If they grant the appeal, the
    call is exempt from the score, but stays recorded as missed or late."""
    return await action.carry_out(Act(Arrow.APPEAL, body.reason, call=body.call), body)


Seq = Annotated[int, FromPath(ge=1, le=32_767, description="`seq` of the call against which a unit appealed")]


@router.post("/appeals/{seq}/approve", summary="Grant an appeal · 申诉成立", responses=responses(errors.Conflict))
async def approve_appeal(seq: Seq, action: Action, body: DecideBody = DecideBody()) -> Answer[IncidentWithCalls]:  # noqa: B008
    """Ops grant the appeal. The call is exempt from the score, but stays recorded as missed or late. What was decided
    already is not decided again (409), nor is a call exempt whose emergency was answered, so that it costs nothing."""
    return await action.carry_out(Act(Arrow.APPROVE_APPEAL, body.reason, call=seq), body, seq=seq)


@router.post("/appeals/{seq}/refuse", summary="Refuse an appeal · 申诉不成立", responses=responses(errors.Conflict))
async def refuse_appeal(seq: Seq, action: Action, body: DecideBody = DecideBody()) -> Answer[IncidentWithCalls]:  # noqa: B008
    """Ops refuse the appeal. The call counts in the score as before."""
    return await action.carry_out(Act(Arrow.REFUSE_APPEAL, body.reason, call=seq), body, seq=seq)
