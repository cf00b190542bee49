"""`GET /v1/me`: who sends this request, and what it may do."""

from __future__ import annotations

from fastapi import Request

from service.access import examples, standing, views
from service.access.deps import Caller
from service.access.views import MeView
from service.context import CurrentContext
from service.rules import errors
from service.web import problems
from service.web.answers import Answer, answer
from service.web.examples import one
from service.web.router import Router

router = Router(prefix="/v1/me", tags=["keys"])


@router.get(
    "",
    responses={200: one(examples.ME), **problems.documented(errors.Unauthorized, errors.Unavailable)},
    summary="Who am I · 我是谁",
)
async def read_me(request: Request, context: CurrentContext, caller: Caller) -> Answer[MeView]:
    """Anybody asks who the key, the token or the session of this request stands for, what it may do, and until when."""
    return answer(views.me(caller, context.clock.now(), standing.end_of(request.scope)))
