"""The incidents of a flood: what one reporter has reported in a time, and what of it can still be undone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, and_, bindparam, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.arrows.floods import TURNED_DOWN, UNHANDLED
from service.rules.arrows.judgements import MISSED
from service.rules.words import CALL_OPEN_STATES, State
from service.store.incidents.report_tables import report
from service.store.incidents.tables import call, incident

_TIME = report.c.reported_at.type
_OF_REPORTER = (
    report.c.reporter == bindparam("reporter"),
    report.c.reported_at >= bindparam("since", type_=_TIME),
    report.c.reported_at <= bindparam("until", type_=_TIME),
)


def _page(*conditions: Any) -> Select[Any]:
    """Incidents of a reporter in a time, oldest first. The index `report_reporter_idx` gives the reports."""
    found = select(incident.c.id).join(report, report.c.id == incident.c.id).where(*_OF_REPORTER, *conditions)
    return found.order_by(report.c.reported_at, report.c.id).limit(bindparam("limit", type_=Integer))


_COUNTS = exists(
    select(call.c.seq).where(
        call.c.incident_id == incident.c.id,
        ~call.c.exempt,
        or_(
            call.c.outcome.in_(sorted(MISSED)),
            call.c.late_exit,
            call.c.answered_at > call.c.answer_by,
            and_(call.c.credit.is_not(None), call.c.ended_at > call.c.resolve_by),
            call.c.credit.in_(sorted(TURNED_DOWN)),
        ),
    )
)
_OPEN = _page(incident.c.state.in_(sorted(CALL_OPEN_STATES)))
_UNFAIR = _page(incident.c.state == State.CLOSED, incident.c.closed_as.in_(sorted(UNHANDLED)), _COUNTS)


async def page(tx: AsyncConnection, reporter: str, since: datetime, until: datetime, limit: int) -> list[UUID]:
    """Return the ids of at most `limit` incidents that a flood closes, and of as many that are closed already but have
    calls that count against their units. Both instants belong to the time."""
    values = {"reporter": reporter, "since": since, "until": until, "limit": limit}
    pages: Sequence[Select[Any]] = (_OPEN, _UNFAIR)
    return [each for query in pages for each in (await tx.execute(query, values)).scalars()]
