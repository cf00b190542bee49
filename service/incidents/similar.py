"""Candidates for a merge: open incidents of the same line of work, close to each other in place and in time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from service.context import Context
from service.incidents import acting
from service.places.coordinates import CoordType, Point, metres_between, to_wgs84
from service.rules.model import Actor, Incident
from service.rules.sight import Viewer, sight_of
from service.shown.row import IncidentRow, row
from service.store.incidents import lists
from service.web.paging import ItemPage

NEAR_M = 100.0
"""Metres that two points may lie apart: twice the 50 m used in practice (domain page §2.4), since phones are not
exact."""
MAX_APART = timedelta(days=30)
MAX_CANDIDATES = 20


class Candidate(IncidentRow):
    """A candidate for a merge, and what it has in common with the incident. `distance_m` is null when one of the two
    has no point."""

    same_cell: bool
    same_category: bool
    distance_m: float | None
    hours_apart: float


async def candidates(context: Context, incident_id: UUID, actor: Actor) -> ItemPage[Candidate]:
    """Open incidents that the actor may see and that may be merged with this one, the likeliest first.

    Raises `NotFound` when the actor may not see the incident itself.
    """
    loaded = await acting.see(context, incident_id, actor)
    incident, here = loaded.incident, _point(loaded.row["location"])
    since, until = incident.reported_at - MAX_APART, incident.reported_at + MAX_APART
    cells, line = _cells(context, incident, here), loaded.row["line"]
    async with context.database.read() as connection:
        found = await lists.open_ones(connection, cells, line, since, until, sight_of(actor))
    viewer = Viewer(actor, context.worlds.world, context.clock.now())
    others = [_candidate(viewer, incident, here, each) for each in found if each["id"] != incident.id]
    near = [each for each in others if each["distance_m"] is None or each["distance_m"] <= NEAR_M]
    return {"items": sorted(near, key=_likeliest_first)[:MAX_CANDIDATES], "next_cursor": None}


def _cells(context: Context, incident: Incident, here: Point | None) -> list[str]:
    """The cell of the incident, and the cells of its street within `NEAR_M` of the incident's point."""
    if here is None:
        return [incident.grid_code]
    shapes = context.worlds.shapes
    street = (code for code in context.worlds.world.cells if code.startswith(incident.street))
    distances = {code: shapes.distance_m(code, *here) for code in street}
    near = {code for code, metres in distances.items() if metres is not None and metres <= NEAR_M}
    return sorted(near | {incident.grid_code})


def _candidate(viewer: Viewer, incident: Incident, here: Point | None, other: Mapping[Any, Any]) -> Candidate:
    there = None if other["lat"] is None else (other["lat"], other["lon"])
    apart = abs(other["reported_at"] - incident.reported_at)
    return {
        **row(viewer, other),
        "same_cell": other["grid_code"] == incident.grid_code,
        "same_category": other["category"] == incident.category,
        "distance_m": round(metres_between(here, there), 1) if here and there else None,
        "hours_apart": round(apart.total_seconds() / 3600, 2),
    }


def _likeliest_first(candidate: Candidate) -> tuple[bool, bool, float, float]:
    distance_m = NEAR_M if candidate["distance_m"] is None else candidate["distance_m"]
    return not candidate["same_category"], not candidate["same_cell"], distance_m, candidate["hours_apart"]


def _point(location: Mapping[str, Any] | None) -> Point | None:
    return to_wgs84(location["lat"], location["lon"], CoordType(location["coord_type"])) if location else None
