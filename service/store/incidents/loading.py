"""Loading incidents with their calls and requests, as people's acts and views need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, bindparam, case, exists, false, select
from sqlalchemy.ext.asyncio import AsyncConnection

from service.rules.model import Call, Incident, Request
from service.store.access.tables import contact
from service.store.incidents.call_rows import CALL_COLUMNS, call_of
from service.store.incidents.incident_rows import INCIDENT_COLUMNS, incident_of, request_of
from service.store.incidents.report_tables import report
from service.store.incidents.tables import call, incident, request
from service.store.ranges import holds

WIDTH = len(INCIDENT_COLUMNS)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One incident with everything that a view of it needs. `row` joins `incident`, `report` and what is shown of
    `contact`."""

    incident: Incident
    row: Mapping[Any, Any]
    calls: tuple[Call, ...]


async def load(connection: AsyncConnection, incident_id: UUID) -> Loaded | None:
    """Return the incident with its calls, or None."""
    row = (await connection.execute(joined().where(incident.c.id == incident_id))).one_or_none()
    if row is None:
        return None
    found = select(*CALL_COLUMNS).where(call.c.incident_id == incident_id).order_by(call.c.seq)
    calls = tuple(call_of(each) for each in await connection.execute(found))
    requests = (await requests_of(connection, [incident_id])).get(incident_id, ()) if row.requests else ()
    return Loaded(incident_of(row[:WIDTH], calls[-1], calls[:-1], requests), row._mapping, calls)


async def load_all(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Loaded]:
    """Return those of the incidents that exist, by id, with three statements however many they are."""
    if not ids:
        return {}
    rows = (await connection.execute(joined().where(incident.c.id.in_(ids)))).all()
    found = select(call.c.incident_id, *CALL_COLUMNS).where(call.c.incident_id.in_(ids)).order_by(call.c.seq)
    calls: dict[UUID, tuple[Call, ...]] = {}
    for incident_id, *columns in await connection.execute(found):
        calls[incident_id] = (*calls.get(incident_id, ()), call_of(columns))
    requests = await requests_of(connection, ids)
    return {
        row.id: Loaded(
            incident_of(row[:WIDTH], calls[row.id][-1], calls[row.id][:-1], requests.get(row.id, ())),
            row._mapping,
            calls[row.id],
        )
        for row in rows
    }


_REPORT_COLUMNS = (
    *("line", "description", "location", "location_mismatch", "attachments", "source_system", "source_ref"),
    *("occurred_at", "urgency_asked"),
)


_NOT_IN_ROWS = ("wake_at", "sequence", "calls_at", "rejects", "reopened_void", "audience", "warned", "assisting")
_ROW_COLUMNS = tuple(each for each in INCIDENT_COLUMNS if each.name not in _NOT_IN_ROWS)
_LOOKER = bindparam("looker", type_=Text)
_ASSISTS = holds(incident.c.assisting, _LOOKER).label("assists")
# the count of requests is in the row, so only the few that ever had one cost a look into another table
_AWAITED = (
    case(
        (
            incident.c.requests > 0,
            exists().where(
                request.c.incident_id == incident.c.id, request.c.outcome.is_(None), request.c.approver == _LOOKER
            ),
        ),
        else_=false(),
    )
).label("awaited")
_CONTACT_COLUMNS = (
    contact.c.incident_id.is_not(None).label("has_contact"),
    contact.c.name.label("contact_name"),
    contact.c.phone.label("contact_phone"),
)


def shown() -> Select[Any]:
    """Return the query of the columns that `shown/row.py` shows, and of no other: to read an array costs as much as ten
    plain columns. Its parameter `looker` is the unit of whoever looks, or None: whether that unit `assists` in the
    last call, and whether the open request has `awaited` it, stands in the row."""
    columns = (report.c[name] for name in _REPORT_COLUMNS if name != "attachments")
    return select(*_ROW_COLUMNS, incident.c.erased_at, *columns, _ASSISTS, _AWAITED).join(
        report, report.c.id == incident.c.id
    )


def joined() -> Select[Any]:
    """Return the query of `incident` with the columns of `report` and `contact` that `shown/incident.py` shows."""
    columns = (report.c[name] for name in _REPORT_COLUMNS)
    beside = (incident.c.requests, incident.c.erased_at)
    joined_tables = incident.join(report, report.c.id == incident.c.id).outerjoin(
        contact, contact.c.incident_id == incident.c.id
    )
    return select(*INCIDENT_COLUMNS, *beside, *columns, *_CONTACT_COLUMNS).select_from(joined_tables)


async def requests_of(connection: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, tuple[Request, ...]]:
    """Return every request of each incident, in order, by the incident's id."""
    wanted = select(request).where(request.c.incident_id.in_(ids)).order_by(request.c.incident_id, request.c.n)
    found: dict[UUID, tuple[Request, ...]] = {}
    for row in await connection.execute(wanted):
        found[row.incident_id] = (*found.get(row.incident_id, ()), request_of(row))
    return found
