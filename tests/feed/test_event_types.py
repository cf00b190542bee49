"""Every event that a service writes has the exact shape that the document shows for its type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from service import clock as clocks
from service import settings
from service.feed import event_types
from service.feed.event_types import CloudEvent, RegistryEvent, event
from service.main import create_app
from service.rules import lifecycle
from service.rules.acts import Act, Correction, Draft
from service.rules.decisions import Decision
from service.rules.logged import FACTS, EventFacts
from service.rules.sight import EVERYTHING, Viewer
from service.rules.words import Arrow, EventType, Ground, Urgency
from service.store.database import Database
from service.store.log import feed, numbering
from service.store.log.event_rows import event_data
from service.store.log.feed import FeedFilter, StoredEvent
from tests.appraisal.random_life import WORLDS, Life
from tests.house import House
from tests.registry.registry_life import write_every_event
from tests.rules import deciding
from tests.rules.builders import (
    CATEGORY,
    CELL,
    DEPARTMENT,
    NOBODYS_CATEGORY,
    NOW,
    PEOPLE,
    STREET,
    WORLD,
    a_drawn,
    a_world,
    act,
    later,
    plain_days,
    reported,
)
from tests.shapes import check
from tests.shown.test_row import VIEWER

SHAPES = event_types.shapes()
STORED = StoredEvent(41, 2, 7, UUID(int=1), 12, EventType.CALL_MISSED, NOW, {"by": {"kind": "clock"}})


def _of(decision: Decision) -> list[StoredEvent]:
    return [replace(STORED, sequence=each.sequence, type=each.type, data=event_data(each)) for each in decision.events]


def _rescheduled() -> Decision:
    """Reported on Monday; half an hour later the whole Monday is declared a day off."""
    incident = reported(a_world(policy=3)).after
    changed = a_world(policy=3, days=plain_days(date(2026, 11, 23)))
    decision = lifecycle.tick(incident, changed, incident.wake_at or NOW)
    assert decision is not None
    return decision


def _warned() -> Decision:
    """A quarter of the box has passed."""
    world = a_world(policy=2)
    incident = reported(world).after
    decision = lifecycle.tick(incident, world, incident.wake_at or NOW)
    assert decision is not None
    return decision


def _helped() -> tuple[Decision, Decision]:
    """A partner answers for its community, which then raises it and names a department."""
    answered = act(reported().after, "firm", Arrow.ANSWER)
    whistle = Act(Arrow.RAISE, "together", ground=Ground.JOINT_ACTION, units=(DEPARTMENT,))
    return answered, deciding.decide(answered.after, whistle, PEOPLE["community"], a_world(), NOW)


def _forgiven() -> Decision:
    """An emergency that was raised in the last minute, and is answered."""
    emergency = Act(Arrow.RAISE, "the wall is falling", ground=Ground.EMERGENCY)
    late = later(minutes=59)
    raised = deciding.decide(reported().after, emergency, PEOPLE["community"], WORLD, late)
    return act(raised.after, "street", Arrow.ANSWER, at=late)


def _put_right_late() -> Decision:
    """A street that is called no more corrects the category in the last minute, so that another unit is called."""
    raised = act(reported().after, "community", Arrow.RAISE).after
    correction = Act(Arrow.CORRECT, "it is", correction=Correction(category=NOBODYS_CATEGORY))
    late = (raised.due_at or NOW) - timedelta(minutes=1)
    return deciding.decide(raised, correction, PEOPLE["street"], a_world(without=(STREET,)), late)


def _checked() -> Decision:
    """Nobody verified it, it was drawn, and ops have looked at it."""
    return act(a_drawn(), "ops", Arrow.ACCEPT)


def _set_aside() -> Decision:
    """An urgent report of a category that has no urgent ones."""
    calm = replace(WORLD.categories[CATEGORY][0], urgencies=(Urgency.NORMAL,))
    world = replace(WORLD, categories={**WORLD.categories, CATEGORY: (calm,)})
    draft = Draft(CELL, CATEGORY, "worker", urgency=Urgency.URGENT)
    return lifecycle.report(draft, PEOPLE["reporter"], world, incident_id=UUID(int=7), number="2026-7", now=NOW)


def test_every_type_of_event_has_a_shape() -> None:
    assert set(SHAPES) == {each.value for each in EventType}
    assert set(FACTS) | set(event_types.REGISTRY_DATA) <= set(EventType)
    assert {fact for facts in FACTS.values() for fact in facts} == set(EventFacts.__annotations__)


def test_a_shape_is_of_its_type_alone() -> None:
    shown = event(VIEWER, _of(reported())[0])
    check(SHAPES["sihu.incident.reported"], shown)
    with pytest.raises(ValidationError):
        check(SHAPES["sihu.incident.resolved"], shown)


def test_an_event_without_an_incident_has_no_subject() -> None:
    data = {"policy": {"code": "example", "version": 2}, "by": {"kind": "ops", "subject": "ops"}}
    stored = replace(STORED, incident_id=None, sequence=None, type=EventType.POLICY_DRAFTED, data=data)
    shown = check(RegistryEvent, event(VIEWER, stored))
    assert "subject" not in shown and "sequence" not in shown
    assert shown["data"] == data


async def _everything(database: Database, viewer: Viewer) -> Sequence[CloudEvent]:
    async with database.begin() as tx:
        while await numbering.seal(tx):
            pass
    found: list[CloudEvent] = []
    position = 0
    async with database.read() as connection:
        while (page := await feed.read(connection, position, 500, FeedFilter(EVERYTHING))).events:
            position = page.scanned_to
            found += [event(viewer, stored) for stored in page.events]
    return found


@pytest.mark.anyio
async def test_events_of_incidents_have_the_shape_of_their_type(database: Database) -> None:
    """A random life of incidents, and what it does not meet: each fact that a type may have is seen."""
    life = Life(2, 400)
    while life.steps < 6000:
        await life.page(database, 400)
    viewer = Viewer(VIEWER.actor, WORLDS[0], NOW)
    seen: dict[str, set[str]] = {}
    others = (_rescheduled(), _warned(), _forgiven(), _put_right_late(), _set_aside(), _checked(), *_helped())
    by_hand = [event(viewer, _of(each)[0]) for each in others]
    for shown in (*await _everything(database, viewer), *by_hand):
        check(CloudEvent, shown)
        seen.setdefault(shown["type"], set()).update(check(SHAPES[shown["type"]], shown)["data"])
    facts = {name: found - {"incident", "call", "by"} for name, found in seen.items()}
    assert {name: found for name, found in facts.items() if found} == {each.value: set(FACTS[each]) for each in FACTS}


@pytest.mark.anyio
async def test_events_of_the_registry_have_the_shape_of_their_type(house: House) -> None:
    await write_every_event(house)
    await house.sealed()
    found = (await house.get("ops", "/v1/events", limit=500))["items"]
    for each in found:
        check(CloudEvent, each)
        check(SHAPES[each["type"]], each)
    assert {each["type"] for each in found} >= {each.value for each in event_types.REGISTRY_DATA}


def test_the_document_has_an_entry_for_each_type(document: dict[str, Any]) -> None:
    schemas, entries = document["components"]["schemas"], document["webhooks"]
    assert list(entries) == [each.value for each in EventType]
    for name, entry in entries.items():
        operation = entry["post"]
        assert re.fullmatch(r"on([A-Z][a-z]+)+", operation["operationId"])
        [content] = operation["requestBody"]["content"].values()
        schema = schemas[content["schema"]["$ref"].rsplit("/", 1)[1]]
        assert schema["properties"]["type"]["const"] == name
        assert schema["properties"]["data"]["$ref"] != "#/components/schemas/EventData"
    closed = schemas["IncidentClosedData"]
    assert set(closed["required"]) == {"incident", "call", "by", "closed_as"}
    assert set(closed["properties"]) == {
        *closed["required"],
        "into",
        "reason_code",
        "box_used",
        "late_exit",
        "withdrawn_late",
    }


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(settings.load(), clocks.of("now")).openapi()
