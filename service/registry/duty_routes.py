"""The admission gate of duties (权责事项准入): units propose; ops admit from a moment on, or refuse."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import ConfigDict, Field

from service.access.deps import Caller, must_be
from service.context import CurrentContext
from service.registry import duties, examples, views
from service.registry.bundle.rows import Basis, DayOrMoment, DutyRow, Name
from service.registry.routes import PageQuery
from service.rules import access, errors
from service.rules.words import Role
from service.store.registry import duty_proposals
from service.web import problems
from service.web.answers import answer
from service.web.cursors import kind_of
from service.web.examples import listed, one
from service.web.text import Body, CategoryCode, Code, LongText, Moment, Prefix

router = APIRouter(prefix="/v1/duties", tags=["registry · 名录"])

_WRITES = problems.documented(
    errors.Unauthorized,
    errors.NotYours,
    errors.BadJson,
    errors.TooLarge,
    errors.UnsupportedMedia,
    errors.Conflict,
    errors.ValidationFailed,
    errors.Unavailable,
)
_PLACE = "/v1/duties/proposals"
_MOST_ASSISTING = 100


class DutyBody(Body):
    """A duty as a row of `duties.csv`. `valid_to`: a moment, or a day, which is its midnight in Asia/Shanghai."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "code": "EX-001",
                    "title": "市容环境管理",
                    "category": "urban-01",
                    "area": "440105",
                    "lead_unit": "440105003",
                    "assisting": ["dept-urban-management"],
                    "basis": "示例 (example)",
                }
            ]
        }
    )

    code: Code
    title: Name
    category: CategoryCode
    area: Prefix
    lead_unit: Code
    assisting: Annotated[tuple[Code, ...], Field(max_length=_MOST_ASSISTING)] = ()
    basis: Basis
    valid_to: DayOrMoment | None = None


class ApproveBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"valid_from": "2027-01-01T00:00:00+08:00"}]})

    valid_from: Moment | None = None
    proposed_at: Moment | None = Field(None, description="of the proposal you read: refused if it was corrected since")


class RefuseBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "街道尚无执法权,待下放后再议"}]})

    reason: LongText


@router.post(
    "",
    status_code=201,
    summary="Propose a duty · 提出权责事项",
    responses={201: one(examples.PROPOSAL), 200: one(examples.PROPOSAL), **_WRITES},
)
async def propose_duty(context: CurrentContext, caller: Caller, body: DutyBody) -> Response:
    """By ops or a unit, but no partner; nothing is anybody's before ops approve it. A code has one open proposal: the
    same again is answered 200, another corrects it by the same subject, and is 409 by anybody else. What another code
    says of the same category and area with another lead is refused: change it under that code, end it, or be more
    specific."""
    must_be(caller, Role.OPS, Role.UNIT)
    wanted = DutyRow.model_validate(body.model_dump())
    done = await duties.propose(context.database, wanted, context.clock.now(), access.by_of(caller))
    await context.announce(done.committed)
    return answer(views.proposal(done.proposal), 201 if done.new else 200, {"Location": _PLACE})


@router.get(
    "/proposals",
    summary="What was proposed, newest first · 准入申请",
    responses={
        200: listed(examples.PROPOSAL),
        **problems.documented(errors.Unauthorized, errors.BadCursor, errors.ValidationFailed, errors.Unavailable),
    },
)
async def list_proposals(context: CurrentContext, caller: Caller, query: Annotated[PageQuery, Query()]) -> Response:
    """Open, approved and refused ones, with who proposed each, and who admitted it from when, or refused it and why."""
    kind = kind_of(_PLACE, {})
    before = context.cursors.read(kind, query.cursor)[0] if query.cursor else None
    async with context.database.read() as connection:
        found = await duty_proposals.newest(connection, limit=query.limit + 1, before=before)
    items = found[: query.limit]
    cursor = context.cursors.sign(kind, [items[-1].id]) if len(found) > query.limit else None
    return answer({"items": [views.proposal(each) for each in items], "next_cursor": cursor})


@router.post(
    "/{code}/approve",
    summary="Admit what was proposed, from a moment on · 准入",
    responses={200: one(examples.ADMITTED), **_WRITES, **problems.documented(errors.NotFound)},
)
async def approve_duty(
    context: CurrentContext,
    caller: Caller,
    code: Code,
    body: ApproveBody = ApproveBody(),  # noqa: B008
) -> Response:
    """From then on calls go by it; open ones stay where they are, and `GET /v1/duties?at=` tells of any day before.
    What was planned for later under this code is taken back. The same again changes nothing."""
    must_be(caller, Role.OPS)
    wish = duties.Approval(body.valid_from, body.proposed_at)
    done = await duties.approve(context.database, code, wish, context.clock.now(), access.by_of(caller))
    await context.announce(done.committed)
    return answer(views.proposal(done.proposal))


@router.post(
    "/{code}/refuse",
    summary="Refuse what was proposed, or withdraw it · 不予准入、撤回",
    responses={200: one(examples.REFUSED), **_WRITES, **problems.documented(errors.NotFound)},
)
async def refuse_duty(context: CurrentContext, caller: Caller, code: Code, body: RefuseBody) -> Response:
    """By ops, or by whoever proposed it; then anybody may propose the next. The same again changes nothing, and what
    was approved is no longer refused: propose what should hold instead."""
    must_be(caller, Role.OPS, Role.UNIT)
    done = await duties.refuse(context.database, code, body.reason, context.clock.now(), access.by_of(caller))
    await context.announce(done.committed)
    return answer(views.proposal(done.proposal))
