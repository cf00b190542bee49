"""Admission of duties (权责事项准入) over HTTP: units propose, and ops approve or refuse."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from service.access.deps import Caller, must_be
from service.context import CurrentContext
from service.registry import duties, examples, views
from service.registry.bundle.rows import DutyRow
from service.registry.schemas import ApproveBody, DutyBody, RefuseBody
from service.rules import access, errors
from service.rules.words import Role
from service.store.registry import duty_proposals
from service.web import problems
from service.web.answers import Answer, answer
from service.web.cursors import kind_of
from service.web.examples import listed, one
from service.web.paging import ItemPage, PageQuery
from service.web.router import Router
from service.web.text import Code

router = Router(prefix="/v1/duties", tags=["registry"])

_WRITES = problems.documented(
    errors.Unauthorized,
    errors.NotYours,
    *problems.OF_A_BODY,
    errors.Conflict,
    errors.Unavailable,
)
_PLACE = "/v1/duties/proposals"


@router.post(
    "",
    status_code=201,
    summary="Propose a duty · 提出权责事项",
    responses={201: one(examples.PROPOSAL, "Location"), 200: one(examples.PROPOSAL, "Location"), **_WRITES},
)
async def propose_duty(context: CurrentContext, caller: Caller, body: DutyBody) -> Answer[views.ProposalView]:
    """Ops and units may propose a duty, but not partners. Nobody's responsibility changes before ops approve it. A code
    has at most one open proposal: a repeated request is answered 200, other content from the same subject corrects the
    proposal, and other content from anybody else is answered 409. A duty is refused if another code gives the same
    category and area to another lead: change the duty under that code, end it, or name a more specific category or
    area."""
    must_be(caller, Role.OPS, Role.UNIT)
    duty = DutyRow.model_validate(body.model_dump())
    done = await duties.propose(context.database, duty, context.clock.now(), access.by_of(caller))
    await context.announce(done.committed)
    return answer(views.proposal(caller, done.proposal), 201 if done.new else 200, {"Location": _PLACE})


@router.get(
    "/proposals",
    summary="List the proposals of duties · 准入申请",
    responses={
        200: listed(examples.PROPOSAL),
        **problems.documented(errors.Unauthorized, errors.BadCursor, errors.ValidationFailed, errors.Unavailable),
    },
)
async def list_proposals(
    context: CurrentContext, caller: Caller, query: Annotated[PageQuery, Query()]
) -> Answer[ItemPage[views.ProposalView]]:
    """Open, approved and refused proposals are listed, the newest first. Each names its author and, once it is decided,
    who approved it from when, or who refused it and why: to reporters and partners without a subject, which may be a
    person."""
    kind = kind_of(_PLACE, {}, caller.subject)
    before = None if query.cursor is None else context.cursors.read(kind, query.cursor)[0]
    async with context.database.read() as connection:
        found = await duty_proposals.newest(connection, limit=query.limit + 1, before=before)
    items = found[: query.limit]
    cursor = context.cursors.sign(kind, [items[-1].id]) if len(found) > query.limit else None
    return answer({"items": [views.proposal(caller, each) for each in items], "next_cursor": cursor})


@router.post(
    "/{code}/approve",
    summary="Approve a proposed duty · 准入",
    responses={200: one(examples.ADMITTED), **_WRITES, **problems.documented(errors.NotFound)},
)
async def approve_duty(
    context: CurrentContext,
    caller: Caller,
    code: Code,
    body: ApproveBody = ApproveBody(),  # noqa: B008
) -> Answer[views.ProposalView]:
    """The duty is in force from `valid_from` on, or from now on if that is left out. Later calls follow it; open calls
    stay where they are, and `GET /v1/duties?at=` still answers for any earlier day. Rows of this code that were planned
    for later are removed. A repeated request changes nothing."""
    must_be(caller, Role.OPS)
    approval = duties.Approval(body.valid_from, body.proposed_at)
    done = await duties.approve(context.database, code, approval, context.clock.now(), access.by_of(caller))
    await context.announce(done.committed)
    return answer(views.proposal(caller, done.proposal))


@router.post(
    "/{code}/refuse",
    summary="Refuse or withdraw a proposed duty · 不予准入、撤回",
    responses={200: one(examples.REFUSED), **_WRITES, **problems.documented(errors.NotFound)},
)
async def refuse_duty(
    context: CurrentContext, caller: Caller, code: Code, body: RefuseBody
) -> Answer[views.ProposalView]:
    """Ops refuse a proposal; the subject that made it withdraws it. Afterwards anybody may propose the code again. A
    repeated request changes nothing. An approved proposal can no longer be refused: propose what should be in force
    instead."""
    must_be(caller, Role.OPS, Role.UNIT)
    done = await duties.refuse(context.database, code, body.reason, context.clock.now(), access.by_of(caller))
    await context.announce(done.committed)
    return answer(views.proposal(caller, done.proposal))
