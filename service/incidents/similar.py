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
from service.rules.sight import Viewer, sight_of
from service.rules.similarity import MAX_APART, NEAR_M, Likeness
from service.shown.row import IncidentRow, row
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
    """Open incidents that the actor may see and that may be merged with this one, the likeliest first.

    Raises `NotFound` when the actor may not see the incident itself.
    """
    loaded = await acting.see(context, incident_id, actor)
    incident, here = loaded.incident, likenesses.point_of(loaded.row)
    since, until = incident.reported_at - MAX_APART, incident.reported_at + MAX_APART
    cells, line = _cells(context, incident, here), loaded.row["line"]
    async with context.database.read() as connection:
        found = await lists.open_ones(connection, cells, line, since, until, sight_of(actor))
    viewer = Viewer(actor, context.worlds.world, context.clock.now())
    near = [
        _candidate(viewer, incident, likeness, each)
        for each in found
        if each["id"] != incident.id and (likeness := likenesses.likeness(context, loaded, each)).is_candidate
    ]
    return {"items": sorted(near, key=_likeliest_first)[:MAX_CANDIDATES], "next_cursor": None}


def _cells(context: Context, incident: Incident, here: Point | None) -> list[str]:
    """The cell of the incident, and the cells of its street within `NEAR_M` of the incident's point."""
    if here is None:
        return [incident.grid_code]
    street = (code for code in context.worlds.world.cells if code.startswith(incident.street))
    near = (code for code in street if likenesses.is_near(context, incident, here, code))
    return sorted({incident.grid_code, *near})


def _candidate(viewer: Viewer, incident: Incident, likeness: Likeness, other: Mapping[Any, Any]) -> Candidate:
    distance_m = likeness.distance_m
    return {
        **row(viewer, other),
        "same_cell": other["grid_code"] == incident.grid_code,
        "same_category": other["category"] == incident.category,
        "distance_m": None if distance_m is None else round(distance_m, 1),
        "hours_apart": round(likeness.apart.total_seconds() / 3600, 2),
    }


def _likeliest_first(candidate: Candidate) -> tuple[bool, bool, float, float]:
    distance_m = NEAR_M if candidate["distance_m"] is None else candidate["distance_m"]
    return not candidate["same_category"], not candidate["same_cell"], distance_m, candidate["hours_apart"]
