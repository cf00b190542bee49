"""The list of incidents, page by page: those that match the filters and that the actor may see."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from service.context import Context
from service.incidents.schemas import ListQuery
from service.registry.filters import demand_known
from service.rules.model import Actor
from service.rules.sight import NOTHING, Viewer, reads_all, sight_of
from service.rules.words import Role
from service.shown.row import IncidentRow, row
from service.store.incidents import lists
from service.store.incidents.lists import IncidentFilter
from service.web.cursors import Cursors
from service.web.paging import ItemPage, list_kind


async def page(context: Context, query: ListQuery, actor: Actor) -> ItemPage[IncidentRow]:
    """One page of the incidents that the actor sees. A cursor is good only for the filters of the list it came from.

    Raises:
        BadCursor: the cursor is not from this service, was altered, or belongs to another subject or to a list with
            other filters.
        UnknownUnit, UnknownCategory, UnknownReference: a filter names what the registry never had.
    """
    viewer = context.viewer(actor)
    kind = list_kind("incidents", query, actor.subject)
    after = None if query.cursor is None else _read(context.cursors, kind, query.cursor)
    demand_known(viewer.world, unit=query.unit, area=query.area, category=query.category, line=query.line)
    async with context.database.read() as connection:
        filters = _filters(query, viewer)
        sight = NOTHING if query.drawn and not reads_all(actor) else sight_of(actor)
        found = await lists.page(connection, filters, sight, after, query.limit, looker=actor.unit)
    cursor = None if found.next_place is None else context.cursors.sign(kind, _written(*found.next_place))
    return {"items": [row(viewer, each) for each in found.rows], "next_cursor": cursor}


def _filters(query: ListQuery, viewer: Viewer) -> IncidentFilter:
    return IncidentFilter(
        states=tuple(query.state),
        level=query.level,
        unit=query.unit,
        area=query.area,
        category=query.category,
        line=query.line,
        urgency=query.urgency,
        kind=query.kind,
        overdue_at=viewer.now if query.overdue is True else None,
        not_overdue_at=viewer.now if query.overdue is False else None,
        reporter=viewer.actor.subject if query.reporter else None,
        with_workers=viewer.actor.may_report_for,
        waits=query.approver is not None,
        approver=_approver(viewer.actor) if query.approver else None,
        drawn=query.drawn if reads_all(viewer.actor) else None,
        ended=_ended(viewer) if query.approver else (),
        reported_after=query.reported_after,
        reported_before=query.reported_before,
        updated_after=query.updated_after,
        is_recent=query.updated_after is not None and query.updated_after >= viewer.now - lists.MAX_CHANGES,
    )


def _approver(actor: Actor) -> str | None:
    """The name under which requests wait for an actor; None for ops. Nothing ever waits for the empty one."""
    return None if actor.role is Role.OPS else actor.unit or ""


def _ended(viewer: Viewer) -> tuple[str, ...]:
    """The units that decide no longer, so that ops do in their place."""
    if viewer.actor.role is not Role.OPS:
        return ()
    return tuple(code for code in viewer.world.units if viewer.world.unit(code, viewer.now) is None)


def _written(reported_at: datetime, incident_id: UUID) -> list[str]:
    return [reported_at.isoformat(), str(incident_id)]


def _read(cursors: Cursors, kind: str, text: str) -> tuple[datetime, UUID]:
    reported_at, incident_id = cursors.read(kind, text)
    return datetime.fromisoformat(reported_at), UUID(incident_id)
