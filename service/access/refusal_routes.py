"""`GET /v1/refusals`: what was refused to whom, for auditors and security."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, cast

from fastapi import Query
from pydantic import Field
from typing_extensions import TypedDict  # pydantic cannot read that of `typing` before Python 3.12

from service.access import deps
from service.access.deps import Caller
from service.access.new_keys import AnySubject
from service.access.refusals import RefusalCode
from service.context import CurrentContext
from service.rules import errors
from service.rules.words import Role
from service.store.access import refusals
from service.store.access.refusals import RefusalPlace, Refused
from service.web import paging, problems
from service.web.answers import Answer, answer
from service.web.examples import ok
from service.web.paging import ItemPage, PageQuery
from service.web.router import Router
from service.web.text import Moment

router = Router(prefix="/v1/refusals", tags=["keys"])

_CURSOR = "refusals"


class RefusalView(TypedDict):
    """The refusals of one hour, subject, address, code and operation. `subject` is null for a request without a good
    key. Both `subject` and `address` are null where there were too many in that hour to be told apart."""

    hour: datetime
    subject: str | None
    address: str | None
    code: RefusalCode
    operation: str
    count: int
    last_at: datetime


class RefusalsQuery(PageQuery):
    """Which refusals a list has."""

    subject: AnySubject | None = Field(default=None, description="those of this subject")
    code: RefusalCode | None = Field(default=None, description="those with this problem code")
    since: Moment | None = Field(default=None, description="those of hours that begin at this instant or later")


def _view(row: Refused) -> RefusalView:
    return {
        "hour": row.hour,
        "subject": row.subject or None,
        "address": row.address or None,
        "code": cast("RefusalCode", row.code),
        "operation": row.operation,
        "count": row.count,
        "last_at": row.last_at,
    }


_HOUR = datetime(2026, 11, 2, 1, tzinfo=UTC)
_EXAMPLE = Refused(
    hour=_HOUR,
    subject="440105003",
    address="10.20.3.4",
    code=errors.NotYours.code,
    operation="POST /v1/incidents/{incident_id}/accept",
    count=12,
    last_at=_HOUR + timedelta(minutes=40),
)
_EXAMPLES: ItemPage[RefusalView] = {"items": [_view(_EXAMPLE)], "next_cursor": None}


@router.get(
    "",
    summary="What was refused to whom, newest hour first · 拒绝记录",
    responses={
        200: ok("One page", _EXAMPLES),
        **problems.documented(
            errors.Unauthorized, errors.NotYours, errors.BadCursor, errors.ValidationFailed, errors.Unavailable
        ),
    },
)
async def list_refusals(
    context: CurrentContext, caller: Caller, query: Annotated[RefusalsQuery, Query()]
) -> Answer[ItemPage[RefusalView]]:
    """Auditors and security read how often each subject or address was refused in each hour of the last 90 days, with
    which code and at which operation: no key, no key's right, not from this address, nothing there (or hidden from the
    sender), and more than its share. What happens in one process is written within 5 seconds. The refusals inside a
    batch do not count."""
    deps.must_be(caller, Role.AUDITOR, Role.SECURITY)
    kind = paging.list_kind(_CURSOR, query, caller.subject)
    before = None if query.cursor is None else _place(context.cursors.read(kind, query.cursor))
    async with context.database.read() as connection:
        found = await refusals.newest(
            connection,
            limit=query.limit + 1,
            before=before,
            subject=query.subject,
            code=query.code,
            since=query.since,
        )
    shown = found[: query.limit]
    hour, *names = shown[-1].place if len(found) > query.limit else (None,)
    following = None if hour is None else context.cursors.sign(kind, [hour.isoformat(), *names])
    return answer({"items": [_view(row) for row in shown], "next_cursor": following})


def _place(values: Any) -> RefusalPlace:
    """The place that a cursor carries. The cursor is signed, so `list_refusals` wrote it and its shape is known."""
    hour, subject, address, code, operation = values
    return datetime.fromisoformat(hour), subject, address, code, operation
