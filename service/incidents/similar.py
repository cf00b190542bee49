"""Candidates for a merge: open incidents of the same line of work, close to each other in place and in time
(`rules/similarity.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from service.context import Context
from service.incidents import acting
from service.incidents import likeness as likenesses
from service.places.coordinates import Point
from service.rules.model import Actor, Incident
from service.rules.sight import sight_of
from service.rules.similarity import MAX_APART, NEAR_M, Likeness
from service.shown.aspect import Aspect, aspect_of, aspect_of_row
from service.shown.row import IncidentRow, row_of
from service.store.incidents import lists
from service.web.paging import ItemPage

MAX_CANDIDATES = 20


class Candidate(IncidentRow):
    """A candidate for a merge, and what it has in common with the incident. `distance_m` is null when one of the two
    has no point."""

    same_cell: bool
    same_category: bool
    distance_m: float | None
    hours_apart: float


async def candidates(context: Context, incident_id: UUID, actor: Actor) -> ItemPage[Candidate]:
    """Open incidents that the actor may see and that may be merged with this one, the likeliest first. Whoever sees
    the cell of an incident instead of its point learns nothing of the point: they are compared by what the actor sees.

    Raises `NotFound` when the actor may not see the incident itself.
    """
    loaded = await acting.see(context, incident_id, actor)
    viewer, incident = context.viewer(actor), loaded.incident
    if incident.confidential:  # it is never merged
        return {"items": [], "next_cursor": None}
    here = _point(aspect_of(viewer, incident), loaded.row)
    since, until = incident.reported_at - MAX_APART, incident.reported_at + MAX_APART
    cells, line = _cells(context, incident, here), loaded.row["line"]
    async with context.database.read() as connection:
        found = await lists.open_ones(connection, cells, line, since, until, sight_of(actor), looker=actor.unit)
    near = []
    for each in (each for each in found if each["id"] != incident.id and not each["confidential"]):
        aspect = aspect_of_row(viewer, each)
        likeness = likenesses.likeness_of(context, loaded, each, here, _point(aspect, each))
        if likeness.is_candidate:
            near.append(_candidate(aspect, incident, likeness, each))
    return {"items": sorted(near, key=_likeliest_first)[:MAX_CANDIDATES], "next_cursor": None}


def _cells(context: Context, incident: Incident, here: Point | None) -> list[str]:
    """The cell of the incident, and the cells of its street within `NEAR_M` of the incident's point."""
    if here is None:
        return [incident.grid_code]
    street = (code for code in context.worlds.world.cells if code.startswith(incident.street))
    near = (code for code in street if likenesses.is_near(context, incident, here, code))
    return sorted({incident.grid_code, *near})


def _point(aspect: Aspect, row: Mapping[Any, Any]) -> Point | None:
    """The point of an incident, as far as the viewer sees it."""
    return likenesses.point_of(row) if aspect.has_point else None


def _candidate(aspect: Aspect, incident: Incident, likeness: Likeness, other: Mapping[Any, Any]) -> Candidate:
    distance_m = likeness.distance_m
    return {
        **row_of(aspect, other),
        "same_cell": other["grid_code"] == incident.grid_code,
        "same_category": other["category"] == incident.category,
        "distance_m": None if distance_m is None else round(distance_m, 1),
        "hours_apart": round(likeness.apart.total_seconds() / 3600, 2),
    }


def _likeliest_first(candidate: Candidate) -> tuple[bool, bool, float, float]:
    distance_m = NEAR_M if candidate["distance_m"] is None else candidate["distance_m"]
    return not candidate["same_category"], not candidate["same_cell"], distance_m, candidate["hours_apart"]
