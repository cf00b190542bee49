"""Doors: which one a path lies behind, and what each says of itself."""

from __future__ import annotations

import pytest

from service.web.doors import Door, door_of
from tests.web.apps import OneKey

INNER, OUTER = Door("/v1/inner/"), Door("/v1/", schemes=(OneKey(), OneKey()))


@pytest.mark.parametrize(
    ("path", "door"),
    [
        ("/v1/inner/x", INNER),
        ("/v1/inner", OUTER),
        ("/v1/", OUTER),
        ("/v1", None),
        ("/", None),
        ("/v10/x", None),
        ("/healthz", None),
    ],
)
def test_a_path_lies_behind_the_first_door_that_fits(path: str, door: Door | None) -> None:
    assert door_of((INNER, OUTER), path) is door


def test_a_door_challenges_with_all_its_schemes() -> None:
    assert (OUTER.challenge, INNER.challenge) == ("Bearer, Bearer", "")
