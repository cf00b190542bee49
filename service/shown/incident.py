"""One incident with its calls and requests as the contract writes it (§3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from typing_extensions import TypedDict

from service.rules.contact import Contact
from service.rules.looks import IncidentLook
from service.rules.model import Call, Request
from service.rules.sight import Viewer
from service.shown.aspect import Aspect, aspect_of, aspect_of_row
from service.shown.call import CallView, call
from service.shown.request import RequestView, request
from service.shown.row import IncidentRow, row_of
from service.store.incidents.loading import Loaded


class ContactView(TypedDict):
    """Whom to ask about a report, masked: `张*`, `138****0000`, and the address is null. `POST …/reveal` shows it in
    full."""

    name: str | None
    phone: str | None
    address: str | None


class IncidentWithCalls(IncidentRow):
    """An incident with its contact, and with its calls and requests, oldest first."""

    contact: ContactView | None
    calls: list[CallView]
    requests: list[RequestView]


def incident(
    viewer: Viewer, stored: Mapping[Any, Any], calls: Iterable[Call], requests: Iterable[Request]
) -> IncidentWithCalls:
    """The view of one incident. `stored` joins `incident`, `report` and `contact`; calls and requests come oldest
    first."""
    unit, found = viewer.actor.unit, tuple(requests)
    waits_for = [each.approver for each in found if each.outcome is None]
    standing = {"assists": unit in stored["assisting"], "awaited": unit is not None and unit in waits_for}
    return _incident(aspect_of_row(viewer, {**stored, **standing}), stored, calls, found)


def _incident(
    aspect: Aspect, stored: Mapping[Any, Any], calls: Iterable[Call], requests: Iterable[Request]
) -> IncidentWithCalls:
    return {
        **row_of(aspect, stored),
        "contact": _contact(aspect, stored),
        "calls": [call(aspect, each) for each in calls],
        "requests": [request(aspect, each) for each in requests],
    }


def _contact(aspect: Aspect, stored: Mapping[Any, Any]) -> ContactView | None:
    """The masked contact. Of a report in confidence even that says too much to whoever may not know who reported."""
    may_know = not aspect.confidential or aspect.name_of(aspect.reporter) == aspect.reporter
    if not stored["has_contact"] or not may_know:
        return None
    return {"name": stored["contact_name"], "phone": stored["contact_phone"], "address": None}


def loaded(viewer: Viewer, found: Loaded) -> IncidentWithCalls:
    """The view of an incident as it was read from the database."""
    return incident(viewer, found.row, found.calls, found.incident.requests)


def revealed(viewer: Viewer, found: Loaded, contact: Contact) -> IncidentWithCalls:
    """The view of an incident in full and with its contact, whatever the sight of the viewer. Who reported in
    confidence stays hidden."""
    aspect = replace(aspect_of(viewer, found.incident), look=IncidentLook.FULL)
    view = _incident(aspect, found.row, found.calls, found.incident.requests)
    return {**view, "contact": {"name": contact.name, "phone": contact.phone, "address": contact.address}}
