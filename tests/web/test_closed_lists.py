"""The closed lists, held together: the enums of the rules, the OpenAPI document, and the words of the contract."""

from __future__ import annotations

import re
from typing import Any

import pytest

from service import clock as clocks
from service import settings
from service.main import create_app
from service.rules.lifecycle import TRANSITIONS
from service.rules.words import Arrow, EventType, Role, State

INCIDENT = (
    "reported resolved rejected closed reopened held resumed commented urged rated merged corrected checked revealed "
    "erased"
)
CALL = (
    "opened answered warned missed raised returned assigned unrouted requested extended refused assisted part_done "
    "declined rescheduled appealed exempted appeal_refused"
)
ELSE = (
    "policy.drafted policy.activated registry.imported calendar.changed key.created key.revoked key.rotated "
    "sign_on.changed duty.proposed duty.approved duty.refused appraisal.seeded appraisal.closed log.restored"
)
CONTRACT = {
    *(f"sihu.incident.{name}" for name in INCIDENT.split()),
    *(f"sihu.call.{name}" for name in CALL.split()),
    *(f"sihu.{name}" for name in ELSE.split()),
}
"""Contract §3, "Events": those that this version can write."""


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(settings.load(), clocks.of("now")).openapi()


def test_event_types_are_those_of_the_contract() -> None:
    assert {each.value for each in EventType} == CONTRACT


def test_names_of_event_types_follow_their_values() -> None:
    for each in EventType:
        assert re.fullmatch(r"sihu\.[a-z_]+\.[a-z_]+", each)
        assert each.name == each.removeprefix("sihu.").replace(".", "_").upper()


def test_the_document_publishes_every_event_type(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["EventType"]["enum"] == [each.value for each in EventType]


def test_the_document_publishes_verbs_states_and_roles(document: dict[str, Any]) -> None:
    people = [arrow.value for arrow, each in TRANSITIONS.items() if each.by]
    schemas = document["components"]["schemas"]
    problem = schemas["Problem"]["properties"]
    assert problem["allowed"]["items"]["enum"] == people
    assert set(people) < {each.value for each in Arrow}
    assert problem["state"]["$ref"] == "#/components/schemas/State"
    assert schemas["State"]["enum"] == [each.value for each in State]
    assert schemas["Role"]["enum"] == [each.value for each in Role]
