"""`POST /v1/clock/advance` moves the virtual clock, so that an integrator sees three days of calls within a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends
from pydantic import ConfigDict, Field, FiniteFloat, model_validator
from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.access.deps import require
from service.context import CurrentContext
from service.escalation.advance import MAX_STEP_S, Advancer
from service.rules import errors
from service.rules.errors import Rule
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.web import problems
from service.web.answers import Answer, answer
from service.web.breaches import WrongValue
from service.web.examples import ok
from service.web.patterns import NOT_NULL
from service.web.router import Router
from service.web.text import Body, Moment

router = Router(prefix="/v1/clock", tags=["clock"])


class AdvanceView(TypedDict):
    """The time that the clock shows now, and how many deadlines fired on the way."""

    now: datetime
    fired: int


class AdvanceBody(Body):
    """How far the clock moves: by a number of `seconds`, or `to` an instant, ten years at most. Send exactly one of the
    two."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"seconds": 86400}], "minProperties": 1, "maxProperties": 1}
    )

    seconds: Annotated[Annotated[FiniteFloat, Field(ge=0, le=MAX_STEP_S)] | None, NOT_NULL] = None
    to: Annotated[Moment | None, NOT_NULL] = None

    @model_validator(mode="after")
    def _exactly_one(self) -> AdvanceBody:
        if (self.seconds is None) == (self.to is None):
            raise WrongValue(Sentence("Send either seconds or to."), Rule.EITHER_OR, allowed=["seconds", "to"])
        return self


_EXAMPLE: AdvanceView = {"now": datetime(2026, 11, 24, 9, tzinfo=UTC), "fired": 3}


@router.post(
    "/advance",
    summary="Move the virtual clock forward · 推进虚拟时钟",
    dependencies=[Depends(require(Role.OPS))],
    responses={
        200: ok("The clock has moved", _EXAMPLE),
        **problems.documented(
            errors.Unauthorized, errors.NotYours, errors.NotFound, errors.ValidationFailed, errors.Unavailable
        ),
    },
)
async def advance_clock(body: AdvanceBody, context: CurrentContext) -> Answer[AdvanceView]:
    """Ops move the virtual clock forward, for trials. The clock stops at each deadline on the way, and the deadline
    fires at its own instant; `fired` counts these deadlines. Of two movements at the same time, the second waits for
    the first: `seconds` then count from where the first has left the clock, and a `to` that it has passed is refused. A
    service that was not started with `sihu serve --virtual-clock` runs on real time and answers 404."""
    if Advancer not in context.parts:
        raise errors.NotFound(
            Sentence("This service runs on real time. Start one with `sihu serve --virtual-clock` for trials.")
        )
    advancer = context.part(Advancer)
    if body.to is not None:
        arrival = await advancer.to(body.to)
    else:
        arrival = await advancer.by(timedelta(seconds=body.seconds or 0))
    return answer({"now": arrival.now, "fired": arrival.fired})
