"""`/v1/incidents`: reporting incidents and reading them."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query, Request, Response

from service.access.deps import Caller
from service.context import CurrentContext
from service.feed import cloud_events
from service.incidents import acting, batch, examples, listing, reporting, similar
from service.incidents.batch import BatchView
from service.incidents.deps import IfNoneMatch, IncidentId, KeyHeader
from service.incidents.schemas import BatchBody, ListQuery, ReportBody
from service.incidents.similar import Candidate
from service.rules import errors
from service.rules import plan as plans
from service.shown import deadline, incident, plan
from service.shown.aspect import aspect_of
from service.shown.deadline import DeadlineView
from service.shown.event import TimelineEvent
from service.shown.incident import IncidentWithCalls
from service.shown.plan import PlanView
from service.shown.row import IncidentRow
from service.web import headers, problems
from service.web.answers import Answer, answer, answer_in_words
from service.web.examples import ok, unchanged
from service.web.paging import ItemPage, PageQuery
from service.web.router import Router

router = Router(prefix="/v1/incidents", tags=["incidents"], is_hot=True)

_REPORT_PROBLEMS = (
    errors.Unauthorized,
    *problems.OF_A_BODY,
    errors.NotYours,
    errors.Conflict,
    errors.SourceTaken,
    errors.IdempotencyMismatch,
    errors.UnknownCell,
    errors.UnknownCategory,
    errors.QuotaReached,
    errors.Unavailable,
)
_REPORT_HEADERS = ("Location", "ETag", "Idempotency-Replayed")
_READ_PROBLEMS = (errors.Unauthorized, errors.NotFound, errors.Unavailable)


@router.post(
    "",
    status_code=201,
    summary="Report an incident · 上报",
    responses={
        201: ok("The incident is stored, and its first unit is called", examples.INCIDENT, *_REPORT_HEADERS),
        200: ok("This source was reported before: the incident that exists", examples.INCIDENT, *_REPORT_HEADERS),
        **problems.documented(*_REPORT_PROBLEMS),
    },
)
async def report_incident(
    context: CurrentContext, caller: Caller, body: ReportBody, key: KeyHeader = None
) -> Answer[IncidentWithCalls]:
    """A reporter, or a unit with an area, reports an incident inside its own area; ops report anywhere, on behalf of
    somebody. The answer comes only after the incident is stored. It is safe to send the same request again under the
    same `Idempotency-Key`: only one incident is stored, and the answer then carries `Idempotency-Replayed: true`. A
    `source` that was reported before answers 200 with the incident that exists. A report with a `source` needs a key
    that carries its `system` (403). One subject may send so many reports a day, and so many urgent ones, as the policy
    or its key says: then 429 `quota`, and `Retry-After` says how long the day lasts. Replays are free. No partner and
    no other reporter sees what is `confidential`, and nobody but ops who reported it."""
    done = await reporting.report(context, body, caller, key)
    headers = {"Location": f"/v1/incidents/{done.incident['id']}", "ETag": f'"{done.incident["version"]}"'}
    if done.replayed:
        headers["Idempotency-Replayed"] = "true"
    return answer(done.incident, batch.status_of(done), headers)


@router.post(
    "/batch",
    summary="Report up to 500 incidents that a phone kept while offline · 批量上报",
    responses={
        200: ok("One result for each item, in the order of the items", examples.BATCH),
        **problems.documented(*_REPORT_PROBLEMS[:5], errors.Unavailable),
    },
)
async def report_incidents(
    request: Request, context: CurrentContext, caller: Caller, body: BatchBody, key: KeyHeader = None
) -> Answer[BatchView]:
    """Each item is the body of a single POST, with an `idempotency_key` of its own. Each result carries the `status`
    that such a POST would give, whether it was `replayed` (`Idempotency-Replayed` of such a POST), and the incident or
    the problem. An item that is refused does not affect the others; when a quota is reached in the middle, the items
    behind are refused (429 `quota`) as a single POST would be. Items are taken in their order: of two under one
    key, or from one source, the first becomes the incident. An `Idempotency-Key` of the whole batch stands for the
    items that have none, each by its place in the list: when you send such a batch again, leave no item out."""
    return answer(await batch.report(context, body, caller, key, request))


@router.get(
    "",
    summary="List incidents, newest first · 事件列表",
    responses={
        200: ok("One page", examples.INCIDENT_LIST),
        **problems.documented(
            errors.Unauthorized,
            errors.BadCursor,
            errors.ValidationFailed,
            errors.UnknownUnit,
            errors.UnknownCategory,
            errors.UnknownReference,
            errors.Unavailable,
        ),
    },
)
async def list_incidents(
    context: CurrentContext, caller: Caller, query: Annotated[ListQuery, Query()]
) -> Answer[ItemPage[IncidentRow]]:
    """The incidents that you may see, newest first, without their calls and requests. An incident has to match all
    filters that are given. `reported_after` and `updated_after` include the instant that they name, `reported_before`
    does not. A page looks at 20,000 incidents at most: when few of them match, it has few items or none, and a
    `next_cursor` that goes on from there. The list ends where `next_cursor` is null."""
    return answer(await listing.page(context, query, caller))


@router.get(
    "/{incident_id}",
    summary="One incident with its calls · 事件详情",
    responses={
        200: ok("The incident as it now stands", examples.INCIDENT_LATER, "ETag"),
        304: unchanged(),
        **problems.documented(*_READ_PROBLEMS),
    },
)
async def read_incident(
    context: CurrentContext, caller: Caller, incident_id: IncidentId, if_none_match: IfNoneMatch = None
) -> Answer[IncidentWithCalls] | Response:
    """The incident as it now stands, with its calls and requests. The `ETag` is the version of the incident: send it as
    `If-Match` with an action, and the action is refused (412) when the incident has changed meanwhile; send it as
    `If-None-Match` when you read the incident again, and the answer is 304 while the version is the same. An incident
    that you may not see answers 404. Who has less than full sight of it sees words without the numbers of persons, the
    cell in place of the point, no source, and a pseudonym in place of the reporter."""
    loaded = await acting.see(context, incident_id, caller)
    etag = {"ETag": f'"{loaded.incident.version}"'}
    if headers.is_unchanged(if_none_match, etag["ETag"]):
        return Response(status_code=304, headers=etag)
    viewer = context.viewer(caller)
    return answer(incident.loaded(viewer, loaded), headers=etag)


@router.get(
    "/{incident_id}/timeline",
    summary="The events of an incident, oldest first · 时间线",
    responses={
        200: ok("One page of the events of this incident", examples.INCIDENT_TIMELINE),
        **problems.documented(*_READ_PROBLEMS, errors.BadCursor, errors.ValidationFailed),
    },
)
async def read_timeline(
    context: CurrentContext, caller: Caller, incident_id: IncidentId, query: Annotated[PageQuery, Query()]
) -> Answer[ItemPage[TimelineEvent]]:
    """Every event of the incident, page by page, including the events from before you could see the incident. An event
    that happens while you read comes on the last page."""
    page = cloud_events.wanted(context, caller.subject, incident_id, query)
    loaded = await acting.see(context, incident_id, caller)
    aspect = aspect_of(context.viewer(caller), loaded.incident)
    return answer(await cloud_events.timeline(context, aspect, page))


@router.get(
    "/{incident_id}/similar",
    summary="Candidates for a merge · 疑似重复",
    responses={
        200: ok("The candidates, the likeliest first", examples.SIMILAR),
        **problems.documented(*_READ_PROBLEMS),
    },
)
async def list_similar(context: CurrentContext, caller: Caller, incident_id: IncidentId) -> Answer[ItemPage[Candidate]]:
    """Open incidents of the same line of work that you may see, reported at most 30 days before or after this one:
    those in its cell, and those in cells of its street within 100 m of its point. Two incidents that both have a point
    are at most 100 m apart. Where you see only the cell of one, it counts as one without a point. What is confidential
    is no candidate and has none."""
    return answer(await similar.candidates(context, incident_id, caller))


@router.get(
    "/{incident_id}/deadline",
    summary="How the deadline of an incident came about · 时限说明",
    responses={
        200: ok("The deadline, and how it was reckoned", examples.DEADLINE),
        **problems.documented(*_READ_PROBLEMS),
    },
)
async def read_deadline(
    request: Request, context: CurrentContext, caller: Caller, incident_id: IncidentId
) -> Answer[DeadlineView]:
    """How `due_at` was reckoned: the row of the policy, the clock, each stretch of time that counts, each hold and
    extension, and the sum. A closed incident has no deadline, and the answer says so."""
    loaded, world = await acting.see_with_world(context, incident_id, caller)
    return answer_in_words(deadline.deadline(context.viewer(caller, world), loaded.incident), request)


@router.get(
    "/{incident_id}/plan",
    summary="What happens next if nobody acts · 预演",
    responses={
        200: ok("The steps, by the rule that the engine follows", examples.PLAN),
        **problems.documented(*_READ_PROBLEMS),
    },
)
async def read_plan(
    request: Request, context: CurrentContext, caller: Caller, incident_id: IncidentId
) -> Answer[PlanView]:
    """What the clock will do to the incident, step by step, if nobody acts. The plan ends with the first repeated call
    at level 4, or with the incident closed."""
    loaded, world = await acting.see_with_world(context, incident_id, caller)
    viewer = context.viewer(caller, world)
    return answer_in_words(plan.plan(viewer, plans.plan(loaded.incident, world, viewer.now)), request)
