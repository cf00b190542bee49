"""`POST /v1/clock/advance` moves the virtual clock, so that an integrator sees three days of calls within a second."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import ConfigDict, Field, FiniteFloat, model_validator

from service.access.deps import require
from service.context import CurrentContext
from service.escalation.advance import Advancer
from service.rules import errors
from service.rules.errors import Rule
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.web import problems
from service.web.answers import answer
from service.web.breaches import WrongValue
from service.web.text import Body, Moment

router = APIRouter(prefix="/v1/clock", tags=["virtual clock · 虚拟时钟"])

_MAX_STEP_S = 10 * 366 * 86_400  # ten years
_EXAMPLE = {"now": "2026-11-24T09:00:00Z", "fired": 3}


class AdvanceBody(Body):
    """How far the clock moves: by a number of `seconds`, or `to` an instant. Send exactly one of the two."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"seconds": 86400}]})

    seconds: Annotated[FiniteFloat, Field(ge=0, le=_MAX_STEP_S)] | None = None
    to: Moment | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> AdvanceBody:
        if (self.seconds is None) == (self.to is None):
            raise WrongValue(Sentence("Send either seconds or to."), Rule.EITHER_OR, allowed=["seconds", "to"])
        return self


@router.post(
    "/advance",
    summary="Move the virtual clock forward · 推进虚拟时钟",
    dependencies=[Depends(require(Role.OPS))],
    responses={
        200: {"description": "The clock has moved", "content": {"application/json": {"example": _EXAMPLE}}},
        **problems.documented(
            errors.Unauthorized, errors.NotYours, errors.NotFound, errors.ValidationFailed, errors.Unavailable
        ),
    },
)
async def advance(body: AdvanceBody, context: CurrentContext) -> Response:
    """Ops move the virtual clock forward, for trials. The clock stops at each deadline on the way, and the deadline
    fires at its own instant; `fired` counts these deadlines. A service that was not started with `sihu serve
    --virtual-clock` runs on real time and answers 404."""
    if Advancer not in context.parts:
        raise errors.NotFound(
            Sentence("This service runs on real time. Start one with `sihu serve --virtual-clock` for trials.")
        )
    advancer = context.part(Advancer)
    if body.to is not None:
        fired = await advancer.to(body.to)
    else:
        fired = await advancer.to(advancer.clock.now() + timedelta(seconds=body.seconds or 0), "/seconds")
    return answer({"now": advancer.clock.now(), "fired": fired})
