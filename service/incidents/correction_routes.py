"""Putting right what was reported wrongly: the correction of one incident, and the end of a flood of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from service.access.deps import Caller, must_be
from service.context import CurrentContext
from service.incidents import flooding
from service.incidents.action_requests import Action, responses
from service.incidents.flooding import Flood, FloodView
from service.incidents.schemas import ReporterName
from service.rules import errors
from service.rules.acts import Act, Correction
from service.rules.errors import Rule, wrong_field
from service.rules.sentences import Sentence
from service.rules.words import Arrow, Kind, Role, Urgency
from service.shown.incident import IncidentWithCalls
from service.web import problems
from service.web.answers import Answer, answer
from service.web.breaches import WrongValue
from service.web.examples import ok
from service.web.patterns import some_of
from service.web.router import Router
from service.web.text import Body, CategoryCode, GridCode, LongText, Moment

router = Router(prefix="/v1/incidents", tags=["actions"], is_hot=True)

_EXAMPLE: dict[str, Any] = {
    "category": "urban-0111",
    "grid_code": "440105003001002",
    "urgency": "urgent",
    "reason": "实为积存渣土,在隔壁网格,堵住消防通道",
}
_CORRECTED = Correction._fields


class CorrectBody(Body):
    """What the incident is to be instead, as far as it is wrong, and the reason. At least one field besides the reason
    is needed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE], **some_of(*_CORRECTED)})

    category: CategoryCode | None = None
    grid_code: GridCode | None = Field(None, description="a cell of the same street; ops name a cell of any street")
    urgency: Urgency | None = None
    kind: Kind | None = Field(
        None, description="`suggestion` and `deliberation`, which wait on hold, are for ops alone"
    )
    reason: LongText

    @model_validator(mode="after")
    def _something(self) -> CorrectBody:
        if all(getattr(self, name) is None for name in _CORRECTED):
            raise WrongValue(
                Sentence("Name what is to be put right: category, grid_code, urgency or kind."),
                Rule.MISSING,
                allowed=list(_CORRECTED),
            )
        return self


@router.post(
    "/{incident_id}/correct",
    summary="Correct: put category, cell, urgency or kind right · 更正",
    responses=responses(errors.UnknownCell, errors.UnknownCategory),
)
async def correct_incident(body: CorrectBody, action: Action) -> Answer[IncidentWithCalls]:
    """The street of the cell, or ops, put right what was reported wrongly, while the incident is calling or answered.
    What the reporter wrote stays as it is. The deadline never moves later: an incident that becomes urgent takes the
    earlier of its deadline and a new box. When the called unit is no longer the one for it, its call ends as
    `corrected`, and the right unit at that level is called. Only ops move an incident into another street, or make a
    suggestion or deliberation of it, which then waits on hold. A correction that changes nothing is refused (422)."""
    correction = Correction(body.category, body.grid_code, body.urgency, body.kind)
    return await action.carry_out(Act(Arrow.CORRECT, body.reason, correction=correction), body)


class FloodBody(Body):
    """The reporter's subject, the time in which it has flooded the district, and the reason. Both instants belong to
    the time."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "reporter": "worker-17",
                    "from": "2026-11-23T08:00:00+08:00",
                    "to": "2026-11-23T10:00:00+08:00",
                    "reason": "同一账号两小时内重复上报六百件,经核实均不存在",
                }
            ]
        }
    )

    reporter: ReporterName
    since: Moment = Field(alias="from")
    until: Moment = Field(alias="to", description="at most 24 hours after `from`")
    reason: LongText


@router.post(
    "/flood",
    summary="Flood: close what one reporter has flooded the district with · 刷报",
    responses={
        200: ok("How much was closed and exempted this time", flooding.EXAMPLE),
        **problems.documented(
            errors.Unauthorized,
            *problems.OF_A_BODY,
            errors.NotYours,
            errors.Unavailable,
        ),
    },
)
async def end_flood(context: CurrentContext, caller: Caller, body: FloodBody) -> Answer[FloodView]:
    """Ops close, as `void` with the end code `flood`, what a reporter reported within 24 hours at most and what is
    calling, answered or on hold. Its calls that were missed, or left late, become exempt from the score, and so do
    those of what was closed before as void, withdrawn or merged. The reporter may reopen each incident. A request
    closes 500 incidents at most: repeat it until `closed` is 0, when nothing is left, nothing to exempt either. What
    was resolved stays as it is."""
    _demand_a_day(body.since, body.until)
    must_be(caller, Role.OPS)
    return answer(await flooding.flood(context, Flood(body.reporter, body.since, body.until, body.reason), caller))


def _demand_a_day(since: datetime, until: datetime) -> None:
    """Raises `ValidationFailed` unless the time is one of at most `flooding.MAX_TIME`."""
    latest = since + flooding.MAX_TIME
    if until < since:
        detail = Sentence("The time ends before it begins, at {since}: name a later end.", since=since)
        raise wrong_field("/to", detail, Rule.OUT_OF_RANGE, min=since, max=latest)
    if until > latest:
        detail = Sentence("Name a time of at most 24 hours: to no later than {latest}.", latest=latest)
        raise wrong_field("/to", detail, Rule.OUT_OF_RANGE, min=since, max=latest)
