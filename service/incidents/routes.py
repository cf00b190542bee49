"""Reporting and looking: `/v1/incidents`."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from service.access.deps import Caller
from service.context import CurrentContext
from service.feed import cloud_events
from service.incidents import acting, batch, examples, listing, reporting, similar
from service.incidents.deps import IncidentId, KeyHeader
from service.incidents.schemas import BatchBody, ListQuery, ReportBody
from service.rules import errors
from service.rules import plan as plans
from service.rules.sight import Viewer
from service.shown import deadline, incident, plan
from service.web import problems
from service.web.answers import answer
from service.web.examples import ok

router = APIRouter(prefix="/v1/incidents", tags=["incidents · 事件"])

_REPORT_PROBLEMS = (
    errors.Unauthorized,
    errors.BadJson,
    errors.TooLarge,
    errors.UnsupportedMedia,
    errors.ValidationFailed,
    errors.NotYours,
    errors.SourceTaken,
    errors.IdempotencyMismatch,
    errors.UnknownCell,
    errors.UnknownCategory,
    errors.Unavailable,
)
_READ_PROBLEMS = (errors.Unauthorized, errors.NotFound, errors.Unavailable)


@router.post(
    "",
    status_code=201,
    summary="Report an incident · 上报",
    responses={
        201: ok("Stored; its community is called", examples.INCIDENT),
        200: ok("This source was reported before: the incident that exists", examples.INCIDENT),
        **problems.documented(*_REPORT_PROBLEMS),
    },
)
async def report(context: CurrentContext, caller: Caller, body: ReportBody, key: KeyHeader = None) -> Response:
    """Answered only after it is committed. Send it again under the same `Idempotency-Key` as often as the network
    wants: it stays one incident, and the answer then says `Idempotency-Replayed: true`."""
    done = await reporting.report(context, body, caller, key)
    headers = {"Location": f"/v1/incidents/{done.incident['id']}", "ETag": f'"{done.incident["version"]}"'}
    if done.replayed:
        headers["Idempotency-Replayed"] = "true"
    return answer(done.incident, batch.status_of(done), headers)


@router.post(
    "/batch",
    summary="Report up to 500 incidents a phone kept while offline · 批量上报",
    responses={
        200: ok("One result an item, in order; each stands alone", examples.BATCH),
        **problems.documented(*_REPORT_PROBLEMS[:5], errors.Unavailable),
    },
)
async def report_batch(request: Request, context: CurrentContext, caller: Caller, body: BatchBody) -> Response:
    """Each item is what a single POST would be, with its own `idempotency_key`; `status` is what that POST would give.
    A bad item spoils no other."""
    return answer({"results": await batch.results(context, body, caller, instance=request.url.path)})


@router.get(
    "",
    summary="List incidents, newest first · 事件列表",
    responses={
        200: ok("One page", examples.INCIDENT_LIST),
        **problems.documented(errors.Unauthorized, errors.BadCursor, errors.ValidationFailed, errors.Unavailable),
    },
)
async def list_incidents(context: CurrentContext, caller: Caller, query: Annotated[ListQuery, Query()]) -> Response:
    """The incidents that you may see, without their calls. Filters narrow the list; times are half-open."""
    return answer(await listing.page(context, query, caller))


@router.get(
    "/{incident_id}",
    summary="One incident with its calls · 事件详情",
    responses={200: ok("As it stands now", examples.INCIDENT_LATER), **problems.documented(*_READ_PROBLEMS)},
)
async def get_incident(context: CurrentContext, caller: Caller, incident_id: IncidentId) -> Response:
    """`ETag` is its version: send it back as `If-Match` with an action."""
    loaded = await acting.see(context, incident_id, caller)
    viewer = Viewer(caller, context.worlds.world, context.clock.now())
    return answer(incident.loaded(viewer, loaded), headers={"ETag": f'"{loaded.incident.version}"'})


@router.get(
    "/{incident_id}/timeline",
    summary="Its events, oldest first · 时间线",
    responses={
        200: ok("Every event of this incident", examples.INCIDENT_TIMELINE),
        **problems.documented(*_READ_PROBLEMS),
    },
)
async def get_timeline(context: CurrentContext, caller: Caller, incident_id: IncidentId) -> Response:
    """The whole story, to whoever sees the incident."""
    await acting.see(context, incident_id, caller)
    viewer = Viewer(caller, context.worlds.world, context.clock.now())
    return answer(await cloud_events.timeline(context.database, viewer, incident_id))


@router.get(
    "/{incident_id}/similar",
    summary="Candidates for a merge · 疑似重复",
    responses={200: ok("The likeliest first", examples.SIMILAR), **problems.documented(*_READ_PROBLEMS)},
)
async def get_similar(context: CurrentContext, caller: Caller, incident_id: IncidentId) -> Response:
    """Open incidents you may see of the same line of work, in its cell or within 100 m, reported within 30 days."""
    return answer(await similar.candidates(context, incident_id, caller))


@router.get(
    "/{incident_id}/deadline",
    summary="How its deadline came about · 时限说明",
    responses={200: ok("Every counted second", examples.DEADLINE), **problems.documented(*_READ_PROBLEMS)},
)
async def get_deadline(context: CurrentContext, caller: Caller, incident_id: IncidentId) -> Response:
    """The policy's row, the clock, each stretch of time that counts, each hold and extension, and the sum."""
    loaded, world = await acting.see_with_world(context, incident_id, caller)
    return answer(deadline.deadline(Viewer(caller, world, context.clock.now()), loaded.incident))


@router.get(
    "/{incident_id}/plan",
    summary="What happens next if nobody acts · 预演",
    responses={200: ok("By the engine's own rule", examples.PLAN), **problems.documented(*_READ_PROBLEMS)},
)
async def get_plan(context: CurrentContext, caller: Caller, incident_id: IncidentId) -> Response:
    """What the clock will do, step by step. The plan ends with the first repeated call at level 4, or a close."""
    loaded, world = await acting.see_with_world(context, incident_id, caller)
    viewer = Viewer(caller, world, context.clock.now())
    return answer(plan.plan(viewer, plans.plan(loaded.incident, world, viewer.now)))
