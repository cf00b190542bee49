"""Every type of event with the exact shape of its data, for the feed and for the `webhooks` of the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, get_type_hints

from typing_extensions import TypeAliasType, TypedDict  # pydantic cannot read those of `typing` before Python 3.12

from service.access.issuer_change import SignOnChangedData
from service.access.key_events import KeyEventData, KeyRotatedData
from service.registry.bundle.report import RegistryImportedData
from service.registry.views import DutyApprovedData, DutyProposedData, DutyRefusedData
from service.rules.logged import FACTS, EventFacts
from service.rules.sight import Viewer
from service.rules.words import EventType
from service.shown import event as shown
from service.shown.closing import AppraisalClosedData
from service.shown.event import Envelope, IncidentEvent
from service.store.figures.seeds import AppraisalSeededData
from service.store.log.event_rows import EventCore
from service.store.log.feed import StoredEvent
from service.store.log.histories import LogRestoredData
from service.times.calendar_changes import CalendarChangedData
from service.times.policies import PolicyActivatedData, PolicyDraftedData

RegistryData = (
    RegistryImportedData
    | CalendarChangedData
    | PolicyDraftedData
    | PolicyActivatedData
    | DutyProposedData
    | DutyApprovedData
    | DutyRefusedData
    | KeyEventData
    | KeyRotatedData
    | SignOnChangedData
    | AppraisalSeededData
    | AppraisalClosedData
    | LogRestoredData
)


class RegistryEvent(Envelope):
    """An event without an incident: of the registry, a policy, a calendar, a key, the sign-on, the appraisal or the log
    itself. Only auditors, ops and security see it."""

    data: RegistryData


CloudEvent = TypeAliasType("CloudEvent", IncidentEvent | RegistryEvent)


class CloudEventPage(TypedDict):
    """Events in one stable order. `next_cursor` is never null: send it back as `after`, now or later."""

    items: list[CloudEvent]
    next_cursor: str


REGISTRY_DATA: Mapping[EventType, Any] = {
    EventType.POLICY_DRAFTED: PolicyDraftedData,
    EventType.POLICY_ACTIVATED: PolicyActivatedData,
    EventType.REGISTRY_IMPORTED: RegistryImportedData,
    EventType.CALENDAR_CHANGED: CalendarChangedData,
    EventType.KEY_CREATED: KeyEventData,
    EventType.KEY_REVOKED: KeyEventData,
    EventType.KEY_ROTATED: KeyRotatedData,
    EventType.SIGN_ON_CHANGED: SignOnChangedData,
    EventType.DUTY_PROPOSED: DutyProposedData,
    EventType.DUTY_APPROVED: DutyApprovedData,
    EventType.DUTY_REFUSED: DutyRefusedData,
    EventType.APPRAISAL_SEEDED: AppraisalSeededData,
    EventType.APPRAISAL_CLOSED: AppraisalClosedData,
    EventType.LOG_RESTORED: LogRestoredData,
}
"""The data of the types without an incident; all other types are of one incident."""


def event(viewer: Viewer, stored: StoredEvent) -> CloudEvent:
    """The view of one event of any type."""
    if stored.incident_id is None:
        return {**shown.envelope(viewer, stored), "data": stored.data}
    return shown.event(viewer, stored)


def shapes() -> dict[str, Any]:
    """The exact shape of each type of event, by its name. They are made when the document is asked for."""
    return {each.value: _shape(each) for each in EventType}


def _shape(event_type: EventType) -> Any:
    name = "".join(part.capitalize() for part in re.split(r"[._]", event_type.removeprefix("sihu.")))
    envelope: Any = RegistryEvent if event_type in REGISTRY_DATA else IncidentEvent
    data = REGISTRY_DATA.get(event_type) or _incident_data(name, FACTS.get(event_type, {}))
    fields = get_type_hints(envelope, include_extras=True)
    return _typed_dict(f"{name}Event", {**fields, "type": Literal[event_type.value], "data": data})


def _incident_data(name: str, facts: Mapping[str, bool]) -> Any:
    if not facts:
        return EventCore
    hints = get_type_hints(EventFacts, include_extras=True)
    found = {fact: hints[fact] if is_always else NotRequired[hints[fact]] for fact, is_always in facts.items()}
    return _typed_dict(f"{name}Data", {**get_type_hints(EventCore, include_extras=True), **found})


_typed_dict: Any = TypedDict
"""The type checker reads no shape that is put together at run time."""
