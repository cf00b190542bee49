"""One incident with its calls and requests as the contract writes it (§3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from service.rules.model import Call, Request
from service.rules.sight import Viewer
from service.shown.aspect import aspect_of_row
from service.shown.call import CallView, call
from service.shown.request import RequestView, request
from service.shown.row import IncidentRow, row_of
from service.store.incidents.loading import Loaded


class IncidentWithCalls(IncidentRow):
    """An incident with its calls and requests, oldest first."""

    calls: list[CallView]
    requests: list[RequestView]


def incident(
    viewer: Viewer, stored: Mapping[Any, Any], calls: Iterable[Call], requests: Iterable[Request]
) -> IncidentWithCalls:
    """The view of one incident. `stored` joins `incident` and `report`; calls and requests come oldest first."""
    unit, found = viewer.actor.unit, tuple(requests)
    waits_for = [each.approver for each in found if each.outcome is None]
    standing = {"assists": unit in stored["assisting"], "awaited": unit is not None and unit in waits_for}
    aspect = aspect_of_row(viewer, {**stored, **standing})
    return {
        **row_of(aspect, stored),
        "calls": [call(aspect, each) for each in calls],
        "requests": [request(aspect, each) for each in found],
    }


def loaded(viewer: Viewer, found: Loaded) -> IncidentWithCalls:
    """The view of an incident as it was read from the database."""
    return incident(viewer, found.row, found.calls, found.incident.requests)
