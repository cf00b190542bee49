"""Time rules and working days: `/v1/policies…` and `/v1/calendars…`. Everybody may read them, ops write them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as FromPath
from pydantic import ConfigDict

from service.access.deps import Caller, require
from service.context import Context, CurrentContext
from service.rules import access, errors
from service.rules.model import Actor
from service.rules.policy import Policy
from service.rules.words import Role
from service.store.registry import calendars as stored
from service.times import calendars as calendar_use
from service.times import examples, policies, views
from service.times.calendars import DaysBody
from service.times.policy_file import PolicyFile
from service.web import problems
from service.web.answers import answer
from service.web.examples import listed, one
from service.web.text import Body, CalendarDay, Code, Moment, Params

router = APIRouter(prefix="/v1", tags=["time rules · 时限"])

_Ops = Annotated[Actor, Depends(require(Role.OPS))]
_READS = problems.documented(errors.Unauthorized, errors.NotFound, errors.ValidationFailed, errors.Unavailable)
_WRITES = problems.documented(
    errors.Unauthorized,
    errors.NotYours,
    errors.BadJson,
    errors.TooLarge,
    errors.UnsupportedMedia,
    errors.NotFound,
    errors.Conflict,
    errors.ValidationFailed,
    errors.Unavailable,
)
_Version = Annotated[int, FromPath(ge=1, le=1_000_000)]
_MOST_DAYS = 4_000


class ActivateBody(Body):
    model_config = ConfigDict(json_schema_extra={"examples": [{"at": "2027-01-01T00:00:00+08:00"}]})

    at: Moment | None = None


class DaysQuery(Params):
    """Days of Asia/Shanghai, both included; at most eleven years at once."""

    first: CalendarDay
    last: CalendarDay


@router.post(
    "/policies",
    status_code=201,
    summary="Write a policy: its next version, a draft · 起草时限规则",
    responses={201: one(examples.POLICY), 200: one(examples.POLICY), **_WRITES},
)
async def create_policy(context: CurrentContext, caller: _Ops, body: PolicyFile) -> Response:
    """The same fields as `policy.yaml`. Every fault at once: a hole, a row no category reaches, a box that cannot end.
    The newest version again: 200, and nothing is written."""
    return await _draft(context, caller, body)


@router.get(
    "/policies/{code}/versions",
    summary="The versions of a policy, newest first · 版本",
    responses={200: listed(examples.POLICY), **_READS},
)
async def list_versions(context: CurrentContext, caller: Caller, code: str) -> Response:
    """With who is under it from when: `activations` holds what was, is and will be in force."""
    world = context.worlds.world
    found = sorted((each for each in world.policies.values() if each.code == code), key=lambda each: -each.version)
    if not found:
        raise errors.NotFound(f"There is no policy {code}: see GET /v1/policies.")
    return answer({"items": [_shown(context, each) for each in found], "next_cursor": None})


@router.post(
    "/policies/{code}/versions",
    status_code=201,
    summary="Write the next version of a policy · 起草新版本",
    responses={201: one(examples.POLICY), 200: one(examples.POLICY), **_WRITES},
)
async def create_version(context: CurrentContext, caller: _Ops, code: str, body: PolicyFile) -> Response:
    """As POST /v1/policies, for a policy that exists."""
    if not any(known == code for known, _ in context.worlds.world.policies):
        raise errors.NotFound(f"There is no policy {code}: POST /v1/policies makes one.")
    if body.code != code:
        detail = f"This is policy {code}: send the same code, or POST /v1/policies."
        raise errors.ValidationFailed(detail, errors=[errors.Pointer("/code", detail)])
    return await _draft(context, caller, body)


@router.post(
    "/policies/{code}/versions/{n}/activate",
    summary="Put a version in force from an instant · 启用",
    responses={200: one(examples.POLICY), **_WRITES},
)
async def activate(
    context: CurrentContext,
    caller: _Ops,
    code: str,
    n: _Version,
    body: ActivateBody = ActivateBody(),  # noqa: B008
) -> Response:
    """Incidents reported from then on are under it; all others keep theirs. Checked once more; written in the log."""
    by = access.by_of(caller)
    chosen, _, committed = await policies.activate(context.database, code, n, body.at, context.clock.now(), by)
    await context.announce(committed)
    return answer(_shown(context, chosen))


async def _draft(context: Context, caller: Actor, body: PolicyFile) -> Response:
    done = await policies.draft(context.database, body, context.clock.now(), access.by_of(caller))
    await context.announce(done.committed)
    place = f"/v1/policies/{done.policy.code}/versions"
    return answer(_shown(context, done.policy), 201 if done.new else 200, {"Location": place})


def _shown(context: Context, policy: Policy) -> dict[str, Any]:
    world = context.worlds.world
    told = views.policy(policy, world.active(context.clock.now()) == policy)
    mine = [each for each in world.activations if (each.code, each.version) == (policy.code, policy.version)]
    return {**told, "activations": [each.at for each in mine]}


@router.get(
    "/calendars/{code}/days",
    summary="Working days and days off · 工作日历",
    responses={200: listed(examples.DAY), **_READS},
)
async def list_days(
    context: CurrentContext, caller: Caller, code: Code, query: Annotated[DaysQuery, Query()]
) -> Response:
    """What is known; a day that is missing counts as Monday to Friday, and deadlines of its year are provisional."""
    if not 0 <= (query.last - query.first).days < _MOST_DAYS:
        detail = f"Send first and last in order, at most {_MOST_DAYS} days apart."
        raise errors.ValidationFailed(detail, errors=[errors.Pointer("?last", detail)])
    async with context.database.read() as connection:
        found = await stored.between(connection, code, query.first, query.last)
        known = found or await stored.years(connection, code)
    if not known:
        raise _no_days(code)
    return answer({"items": [views.day(each) for each in found], "next_cursor": None})


@router.put(
    "/calendars/{code}/days",
    summary="Write working days and days off · 调整日历",
    responses={200: one(examples.DAYS_CHANGED), **_WRITES},
)
async def put_days(context: CurrentContext, caller: _Ops, code: Code, body: DaysBody) -> Response:
    """All or nothing: the days over what is there, `fill_years` only where nothing is. Running deadlines that this
    moves are put right by the engine at once, each with an event `sihu.call.rescheduled`. Days with which a row of a
    policy in use would not end within five years are refused."""
    by = access.by_of(caller)
    days, missing = body.written(), body.filled()
    done = await calendar_use.change(context.database, code, days, context.clock.now(), by, missing=missing)
    await context.announce(done.committed)
    return answer({"calendar": code, "days_changed": done.days, "deadlines_looked_at": done.woken})


@router.get(
    "/calendars/{code}/coverage",
    summary="Which years are known · 日历覆盖",
    responses={200: one(examples.COVERAGE), **_READS},
)
async def coverage(context: CurrentContext, caller: Caller, code: Code) -> Response:
    """A year is covered once every day of it is known. The notice of a year comes in the November before it."""
    async with context.database.read() as connection:
        years = await stored.years(connection, code)
    if not years:
        raise _no_days(code)
    rows = [{"year": year, "days_known": known, "covered": known == days} for year, known, days in years]
    return answer({"calendar": code, "years": rows})


def _no_days(code: str) -> errors.NotFound:
    return errors.NotFound(f"Calendar {code} holds no days: PUT them, or `sihu calendar load`.")
