"""Calls that are watched, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import bindparam, insert, update

from service.rules.words import Verdict
from service.store.database import Database
from service.store.incidents.tables import call, incident, request
from tests.appraisal.calls import store
from tests.rules.figures.watched import Watched


async def store_watched(database: Database, calls: Sequence[Watched]) -> None:
    """The calls, their incidents and their requests."""
    await store(database, [each.call for each in calls])
    requests = [row for each in calls for row in _requests(each)]
    async with database.begin() as tx:
        own = call.c.incident_id == bindparam("of"), call.c.seq == bindparam("nth")
        changed: dict[str, Any] = {name: bindparam(name) for name in ("box_used", "ended_by", "appeal")}
        await tx.execute(update(call).where(*own).values(changed), [_call(each) for each in calls])
        closed: dict[str, Any] = {name: bindparam(name) for name in ("closed_as", "closed_at")}
        last = [_incident(each) for each in calls if each.closed]
        if last:
            await tx.execute(update(incident).where(incident.c.id == bindparam("of")).values(closed), last)
        if requests:
            await tx.execute(insert(request), requests)


def _call(each: Watched) -> dict[str, Any]:
    appeal = {"outcome": None if each.verdict == "waits" else each.verdict} if each.verdict else None
    return {
        "of": each.call.incident_id,
        "nth": each.call.seq,
        "box_used": each.box_used,
        "ended_by": {"kind": each.by} if each.by else None,
        "appeal": appeal,
    }


def _incident(each: Watched) -> dict[str, Any]:
    assert each.closed
    return {"of": each.call.incident_id, "closed_as": each.closed[0], "closed_at": each.closed[1]}


def _requests(each: Watched) -> list[dict[str, Any]]:
    return [
        {
            "incident_id": each.call.incident_id,
            "n": 10 * each.call.seq + n,
            "district": "440105",
            "kind": given.kind,
            "call": each.call.seq,
            "until": given.until,
            "reason": "等许可",
            "asked_by": {"kind": "unit"},
            "asked_at": given.asked_at,
            "decided_by": {"kind": given.by} if given.by else None,
            "decided_at": given.decided_at,
            "outcome": given.outcome,
            "box": "answer" if given.outcome == Verdict.APPROVED else None,
            "resumed_at": given.resumed_at,
        }
        for n, given in enumerate(each.requests)
    ]
