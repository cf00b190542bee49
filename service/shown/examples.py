"""The examples of an incident in the OpenAPI document: a short story in a small registry. The rules decide it and the
views of this room show it, so no example can differ from an answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from service.rules import access, lifecycle
from service.rules import world as worlds
from service.rules.acts import Act, Draft
from service.rules.contact import Contact
from service.rules.decisions import Decision, Event
from service.rules.model import Actor, Incident
from service.rules.policy import Activation, Box, Hours, Policy
from service.rules.sight import Viewer
from service.rules.texts import Words
from service.rules.words import Arrow, ClockKind, Level, Role, UnitKind, Urgency
from service.rules.worktime import WorkCalendar
from service.rules.world import Category, Cell, Line, Unit, Validity
from service.shown.aspect import aspect_of
from service.shown.event import IncidentEvent, TimelineEvent, event, timeline_event
from service.shown.incident import IncidentWithCalls, incident, revealed
from service.shown.row import IncidentRow, row
from service.store.incidents.incident_rows import incident_columns
from service.store.incidents.loading import Loaded
from service.store.log.event_rows import event_data
from service.store.log.feed import StoredEvent

_REPORTED_AT = datetime(2026, 11, 23, 1, tzinfo=UTC)
_ALWAYS = Validity(datetime(2020, 9, 1, tzinfo=UTC))
_DISTRICT, _STREET, _COMMUNITY, _CELL = "440105", "440105003", "440105003001", "440105003001001"
_CATEGORY = "urban-0110"
_OFFICE = Hours("cn", ((8 * 60, 12 * 60), (14 * 60, 18 * 60)))
_HOUR_S = 3600
_BOXES = {
    (level, urgency): (Box(4 * _HOUR_S, 8 * _HOUR_S, ClockKind.WORKING),) for level in Level for urgency in Urgency
}
_YEAR = [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]

WORLD = worlds.build(
    1,
    units=[
        Unit(_DISTRICT, "海珠区(全区兜底)", UnitKind.DISTRICT, Level.LEADER, _ALWAYS),
        Unit(_STREET, "示例街道", UnitKind.STREET, Level.STREET, _ALWAYS, _DISTRICT),
        Unit(_COMMUNITY, "示例社区一(昌岗)", UnitKind.COMMUNITY, Level.COMMUNITY, _ALWAYS, _STREET),
    ],
    cells=[Cell(_CELL, "示例网格001", _COMMUNITY, _ALWAYS)],
    categories=[Category(_CATEGORY, "垃圾堆积", "urban", Urgency.NORMAL, _ALWAYS)],
    lines=[Line("urban", "城市管理")],
    policies=[Policy("example", 1, _BOXES, 72 * _HOUR_S, 168 * _HOUR_S, _OFFICE)],
    activations=[Activation(_ALWAYS.valid_from, "example", 1)],
    calendars={_OFFICE: WorkCalendar(_OFFICE.spans, {day: day.weekday() < 5 for day in _YEAR})},
)
_WORKER = Actor(Role.REPORTER, "worker-17", area=_STREET)
_CALLED = Actor(Role.UNIT, "community-1", unit=_COMMUNITY)
_APPROVER = Actor(Role.UNIT, "street-3", unit=_STREET)
VIEWER = Viewer(_WORKER, WORLD, _REPORTED_AT)


def _reported() -> Decision:
    draft = Draft(_CELL, _CATEGORY, _WORKER.subject)
    incident_id = UUID("019ab0e2-5c00-7d3a-9a51-6f1f0c2b7e11")
    return lifecycle.report(draft, _WORKER, WORLD, incident_id=incident_id, number="2026-000123", now=_REPORTED_AT)


def _after(fresh: Incident, minutes: int, actor: Actor, act: Act) -> Incident:
    return lifecycle.decide(
        fresh, act, access.party(actor, fresh), WORLD, _REPORTED_AT + timedelta(minutes=minutes)
    ).after


def _extended(fresh: Incident) -> Incident:
    """The unit asks for more time, and the street agrees."""
    until = _REPORTED_AT + timedelta(hours=8)
    waiting = _after(fresh, 10, _CALLED, Act(Arrow.EXTEND, "清运车在检修", until=until))
    return _after(waiting, 20, _APPROVER, Act(Arrow.APPROVE, "同意", request=1))


def _answered(fresh: Incident) -> Incident:
    answer = {"measure": "今天下午清运", "contact": "值班电话 020-0000 0000", "promised_by": None}
    return _after(fresh, 30, _CALLED, Act(Arrow.ANSWER, "今天下午清运", answer=answer))


def _stored(fresh: Incident) -> Mapping[str, Any]:
    """The row of an incident joined with that of its report."""
    return {
        **incident_columns(fresh),
        "line": "urban",
        "description": "巷口垃圾堆积,气味大",
        "location": {"lat": 23.0862, "lon": 113.2734, "coord_type": "gcj02", "accuracy_m": 12.0},
        "location_mismatch": False,
        "source_system": "grid-app",
        "source_ref": "A-1024",
        "occurred_at": _REPORTED_AT - timedelta(minutes=5),
        "urgency_asked": None,
        "assists": False,
        "awaited": False,
        "erased_at": None,
        "has_contact": True,
        "contact_name": "张*",
        "contact_phone": "138****0000",
    }


def _events(decision: Decision, batch: int) -> list[StoredEvent]:
    return [_event(batch, n, each) for n, each in enumerate(decision.events, start=1)]


def _event(batch: int, n: int, logged: Event) -> StoredEvent:
    place = (batch, n, n, logged.at_state.id, logged.sequence)
    words = Words(logged.note, logged.by.subject)
    return StoredEvent(*place, logged.type, logged.at, event_data(logged), words=words)


def _missed(fresh: Incident) -> Decision:
    due_at = fresh.due_at
    assert due_at is not None
    decision = lifecycle.tick(fresh, WORLD, due_at)
    assert decision is not None
    return decision


_FIRST = _reported()
EXTENDED = _extended(_FIRST.after)
"""The incident once its deadline was extended."""
_LATER = _answered(EXTENDED)
REPORTED: IncidentWithCalls = incident(VIEWER, _stored(_FIRST.after), [_FIRST.after.call], ())
ANSWERED: IncidentWithCalls = incident(VIEWER, _stored(_LATER), [_LATER.call], _LATER.requests)
_CONTACT = Contact("张三", "138 0013 0000", "江南大道中 12 号 301")
REVEALED: IncidentWithCalls = revealed(VIEWER, Loaded(_LATER, _stored(_LATER), (_LATER.call,)), _CONTACT)
ROW: IncidentRow = row(VIEWER, _stored(_FIRST.after))
TIMELINE: list[TimelineEvent] = [timeline_event(aspect_of(VIEWER, _FIRST.after), each) for each in _events(_FIRST, 41)]
MISSED: IncidentEvent = event(VIEWER, _events(_missed(_FIRST.after), 42)[0])
