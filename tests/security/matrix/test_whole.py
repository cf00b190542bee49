"""The matrix has a row for everything there is: a new role, relation, sight or way to sign in fails here."""

from __future__ import annotations

from service.rules.access import Relation
from service.rules.looks import IncidentLook
from service.rules.words import Role
from tests.security.matrix import table
from tests.security.matrix.people import DOORS, PEOPLE, WALLS, WORKER_OF_VENDOR
from tests.security.matrix.stories import TELLERS
from tests.security.requests import document


def test_every_role_and_relation_has_somebody() -> None:
    assert {each.role for each in PEOPLE.values()} == set(Role)
    assert set(table.LETTERS.values()) | table.NO_STANDING == {each.value for each in Relation}
    stood = {letter for row in table.STANDING.values() for cell in row for letter in cell[1:]}
    assert stood == set(table.LETTERS)


def test_every_sight_and_story_is_in_the_table() -> None:
    assert set(table.SIGHTS.values()) == {each.value for each in IncidentLook}
    assert {cell[0] for row in table.STANDING.values() for cell in row} == {*table.SIGHTS, "0"}
    assert set(table.STORIES) == set(TELLERS) == set(table.QUEUES)
    assert {len(row) for row in table.STANDING.values()} == {len(table.STORIES)}


def test_everybody_and_every_door_has_a_row() -> None:
    assert {*PEOPLE, WORKER_OF_VENDOR} == {*table.STANDING, *WALLS}
    assert set(document()["components"]["securitySchemes"]) == set(DOORS)
