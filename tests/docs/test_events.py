"""The reference says of every event what is in it: those of a running service are held to it."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest

from service.rules.words import EventType
from tests.docs import pages
from tests.house import STREET, House
from tests.registry.registry_life import write_every_event

pytestmark = pytest.mark.anyio

COMMON, OF_INCIDENTS, OTHERS = pages.tables(pages.REFERENCE, "Event types")
Facts = dict[str, set[str]]


def _listed(table: list[pages.Row]) -> Facts:
    """What the last column of a table names, by event type."""
    return {pages.quoted(row["event type"])[0]: set(pages.quoted([*row.values()][-1])) for row in table}


async def _facts(house: House) -> Facts:
    """The fields of the data of every event in the feed, by its type."""
    await house.sealed()
    found: Facts = defaultdict(set)
    query: dict[str, Any] = {"limit": 500}
    while (page := await house.get("ops", "/v1/events", **query))["items"]:
        query["after"] = page["next_cursor"]
        for event in page["items"]:
            found[event["type"]] |= event["data"].keys()
    return found


async def test_events_without_an_incident_hold_what_is_listed(house: House) -> None:
    await write_every_event(house)
    found = {name: facts - {"by"} for name, facts in (await _facts(house)).items()}
    assert found == _listed(OTHERS)


_LEFT_EARLY = (
    *(EventType.CALL_RAISED, EventType.CALL_RETURNED, EventType.CALL_ASSIGNED),
    EventType.INCIDENT_CLOSED,
)
"""The ways out of a call, which everybody here takes early."""


@pytest.mark.clause("GB/T 22239 8.1.4.3 a", "GB/T 22239 8.1.4.3 b")
async def test_events_of_an_incident_hold_what_is_listed(house: House) -> None:
    """Each type that adds something of its own is written; those beside it add nothing."""
    first, second = await house.report(), await house.report()
    await house.report(kind="suggestion")
    await house.report("community", category="party-01", kind="suggestion", urgency="urgent")
    await house.act("street", second, "merge", into=first["id"], reason="r")
    voided = await house.report()
    await house.act("community", voided, "void", reason_code="unclear", reason="r")
    await house.act("community", first, "raise", ground="other", reason="r")
    await house.act("street", first, "raise", ground="other", reason="r")
    await house.act("department", first, "assist", units=["dept-police"], reason="r")
    await house.act("department", first, "return", reason_code="other", reason="r")
    await house.act("street", first, "assign", unit=f"{STREET}-team-1", reason="r")
    await house.act(f"{STREET}-team-1", first, "resolve", result="r")
    await house.act("worker", first, "rate", score=5)
    await house.act("worker", first, "accept")
    common = {row["field"].strip("`") for row in COMMON}
    listed = {name: facts | common for name, facts in _listed(OF_INCIDENTS).items()}
    found = {name: facts for name, facts in (await _facts(house)).items() if name in listed}
    optional = {each: {"late_exit"} for each in _LEFT_EARLY}
    optional[EventType.CALL_OPENED] = {"binding"}
    optional[EventType.CALL_ANSWERED] = {"forgives", "answered_by_member"}
    optional[EventType.CALL_RAISED] = {"late_exit", "units"}
    optional[EventType.INCIDENT_CLOSED] |= {"withdrawn_late"}
    assert {name: listed[name] - facts for name, facts in found.items() if listed[name] != facts} == optional
