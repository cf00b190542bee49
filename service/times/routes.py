"""Policies and calendars: `/v1/policies…` and `/v1/calendars…`. Every key may read them, ops write them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request

from service.access.deps import Caller, require
from service.context import Context, CurrentContext
from service.rules import access, errors
from service.rules.model import Actor
from service.rules.policy import Policy
from service.rules.sentences import Sentence
from service.rules.words import Role
from service.rules.world import World
from service.store.registry import calendars
from service.times import calendar_changes, examples, policies, views
from service.times.policy_file import PolicyFile
from service.times.schemas import MAX_DAYS, ActivateBody, DaysBody, DaysQuery, VersionNumber
from service.web import paging, problems
from service.web.answers import Answer, answer, answer_in_words
from service.web.examples import listed, one
from service.web.paging import ItemPage, PageQuery, SortKey
from service.web.router import Router
from service.web.text import Code

router = Router(prefix="/v1", tags=["times"])

_Ops = Annotated[Actor, Depends(require(Role.OPS))]
_READS = problems.documented(errors.Unauthorized, errors.NotFound, errors.ValidationFailed, errors.Unavailable)
_WRITES = problems.documented(
    errors.Unauthorized,
    errors.NotYours,
    *problems.OF_A_BODY,
    errors.NotFound,
    errors.Conflict,
    errors.Unavailable,
)


@router.get(
    "/policies",
    summary="List the policies · 时限规则",
    responses={
        200: listed(examples.POLICY),
        **problems.documented(errors.Unauthorized, errors.BadCursor, errors.ValidationFailed),
    },
)
async def list_policies(
    request: Request, context: CurrentContext, caller: Caller, query: Annotated[PageQuery, Query()]
) -> Answer[ItemPage[views.PolicyView]]:
    """Every version of every policy is listed, by code and then the newest first. An incident keeps the version that
    was in force when it was reported."""
    world: World = context.worlds.world
    active = world.active(context.clock.now())
    versions = sorted(world.policies.values(), key=_newest_first)

    def view(policy: Policy) -> views.PolicyView:
        return views.policy(policy, policy is active)

    return paging.page(context.cursors, request.url.path, caller.subject, query, versions, view, _newest_first)


def _newest_first(policy: Policy) -> SortKey:
    return policy.code, -policy.version


@router.post(
    "/policies",
    status_code=201,
    summary="Draft a policy · 起草时限规则",
    responses={201: one(examples.POLICY_VERSION, "Location"), 200: one(examples.POLICY_VERSION, "Location"), **_WRITES},
)
async def draft_policy(context: CurrentContext, caller: _Ops, body: PolicyFile) -> Answer[views.PolicyVersionView]:
    """The body becomes the next version of the policy, a draft until you activate it. Its fields are those of
    `policy.yaml`. All faults are reported at once, such as a missing row, a row that no category reaches, or a time box
    that never ends. If the newest version has the same content, the answer is 200 and nothing is written."""
    return await _draft(context, caller, body)


@router.get(
    "/policies/{code}/versions",
    summary="List the versions of a policy · 版本",
    responses={200: listed(examples.POLICY_VERSION), **_READS},
)
async def list_policy_versions(
    context: CurrentContext, caller: Caller, code: str
) -> Answer[ItemPage[views.PolicyVersionView]]:
    """All versions are listed, the newest first. In `activations` each version has the moments from which it was, is or
    will be in force."""
    world = context.worlds.world
    found = sorted((each for each in world.policies.values() if each.code == code), key=lambda each: -each.version)
    if not found:
        raise errors.NotFound(Sentence("There is no policy {policy}: see GET /v1/policies.", policy=code))
    return answer({"items": [_shown(context, each) for each in found], "next_cursor": None})


@router.post(
    "/policies/{code}/versions",
    status_code=201,
    summary="Draft the next version of a policy · 起草新版本",
    responses={201: one(examples.POLICY_VERSION, "Location"), 200: one(examples.POLICY_VERSION, "Location"), **_WRITES},
)
async def draft_policy_version(
    context: CurrentContext, caller: _Ops, code: str, body: PolicyFile
) -> Answer[views.PolicyVersionView]:
    """The request works like POST /v1/policies, but is answered 404 if the policy in the path does not exist."""
    if not any(known == code for known, _ in context.worlds.world.policies):
        raise errors.NotFound(Sentence("There is no policy {policy}: POST /v1/policies makes one.", policy=code))
    if body.code != code:
        detail = Sentence("This is policy {policy}: send the same code, or POST /v1/policies.", policy=code)
        raise errors.wrong_field("/code", detail, errors.Rule.NOT_ONE_OF, allowed=[code])
    return await _draft(context, caller, body)


@router.post(
    "/policies/{code}/versions/{n}/activate",
    summary="Activate a version · 启用",
    responses={200: one(examples.POLICY_VERSION), **_WRITES},
)
async def activate_policy_version(
    context: CurrentContext,
    caller: _Ops,
    code: str,
    n: VersionNumber,
    body: ActivateBody = ActivateBody(),  # noqa: B008
) -> Answer[views.PolicyVersionView]:
    """The version is in force from `at` on, or from now on if `at` is left out. Incidents reported from then on are
    handled under it; all others keep their version. The version is checked against the registry again, and the log
    records who activated it. A repeated request changes nothing."""
    by = access.by_of(caller)
    chosen, _, committed = await policies.activate(context.database.patient, code, n, body.at, context.clock.now(), by)
    await context.announce(committed)
    return answer(_shown(context, chosen))


async def _draft(context: Context, caller: Actor, body: PolicyFile) -> Answer[views.PolicyVersionView]:
    done = await policies.draft(context.database.patient, body, context.clock.now(), access.by_of(caller))
    await context.announce(done.committed)
    place = f"/v1/policies/{done.policy.code}/versions"
    return answer(_shown(context, done.policy), 201 if done.new else 200, {"Location": place})


def _shown(context: Context, policy: Policy) -> views.PolicyVersionView:
    return views.policy_version(policy, context.worlds.world, context.clock.now())


@router.get(
    "/calendars/{code}/days",
    summary="List the days of a calendar · 工作日历",
    responses={200: listed(examples.DAY), **_READS},
)
async def list_calendar_days(
    context: CurrentContext, caller: Caller, code: Code, query: Annotated[DaysQuery, Query()]
) -> Answer[ItemPage[views.DayView]]:
    """The answer holds the days that the calendar knows, from `first` to `last`. A missing day is a working day if it
    falls on Monday to Friday, and deadlines in its year are provisional."""
    if query.last < query.first:
        detail = Sentence("Send first and last in order: {last} lies before {first}.", **query.model_dump())
        pointers = [errors.Pointer(each, detail, errors.Rule.OUT_OF_RANGE) for each in ("?first", "?last")]
        raise errors.ValidationFailed(detail, errors=pointers)
    if (query.last - query.first).days >= MAX_DAYS:
        detail = Sentence("Send at most {max} days, from first to last.", max=MAX_DAYS)
        raise errors.wrong_field("?last", detail, errors.Rule.OUT_OF_RANGE)
    async with context.database.read() as connection:
        found = await calendars.between(connection, code, query.first, query.last)
        known = found or await calendars.years(connection, code)
    if not known:
        raise _no_days(code)
    return answer({"items": [views.day(each) for each in found], "next_cursor": None})


@router.put(
    "/calendars/{code}/days",
    summary="Change days of a calendar · 调整日历",
    responses={200: one(examples.DAYS_CHANGED), **_WRITES},
)
async def change_calendar_days(
    request: Request, context: CurrentContext, caller: _Ops, code: Code, body: DaysBody
) -> Answer[views.DaysChangedView]:
    """All days of the request are written, or none. `days` replace days of the calendar; `fill_years` adds plain days
    where the calendar knows none. The engine recomputes running deadlines at once, and each one that moves has an event
    `sihu.call.rescheduled`. Days are refused if a time box of a policy in use would then take over five years."""
    by = access.by_of(caller)
    days, defaults = body.replacements(), body.defaults()
    done = await calendar_changes.change_days(
        context.database.patient, code, days, context.clock.now(), by, defaults=defaults
    )
    await context.announce(done.committed)
    view: views.DaysChangedView = {
        "calendar": code,
        "days_changed": done.days,
        "deadlines_looked_at": done.deadlines,
        "warnings": list(done.warnings),
    }
    return answer_in_words(view, request)


@router.get(
    "/calendars/{code}/coverage",
    summary="Show which years a calendar covers · 日历覆盖",
    responses={200: one(examples.COVERAGE), **_READS},
)
async def read_calendar_coverage(context: CurrentContext, caller: Caller, code: Code) -> Answer[views.CoverageView]:
    """A year is covered once the calendar knows every day of it. The holidays of a year are published in the November
    before it."""
    async with context.database.read() as connection:
        years = await calendars.years(connection, code)
    if not years:
        raise _no_days(code)
    return answer(views.coverage(code, years))


def _no_days(code: str) -> errors.NotFound:
    return errors.NotFound(
        Sentence("Calendar {calendar} holds no days: PUT them, or `sihu calendar load`.", calendar=code)
    )
