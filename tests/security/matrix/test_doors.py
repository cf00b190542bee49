"""Whoever comes in by another door – a screen on a wall, a session of a browser, a token – sees and may do the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.house import House
from tests.security.matrix import acts, channels, table
from tests.security.matrix.people import DOORS, WALLS
from tests.security.matrix.stories import Told
from tests.security.matrix.test_channels import ask
from tests.sign_on.browser import COOKIE, OWN, signed_in
from tests.sign_on.issuer import TestIssuer

pytestmark = pytest.mark.anyio


async def _doors(house: House, issuer: TestIssuer) -> list[tuple[str, Mapping[str, str]]]:
    """Everybody at every door but that of keys, with the headers that open it."""
    found: list[tuple[str, Mapping[str, str]]] = []
    for who in DOORS["session"]:
        browser = await signed_in(house, who)
        found.append((who, {"Cookie": f"{COOKIE}={browser.cookie}", **OWN}))
    found += [(who, {"Authorization": f"Bearer {issuer.token()}"}) for who in DOORS["token"]]
    return found


def _few(told: list[Told]) -> list[Told]:
    """The stories in which everybody at another door has a standing of some kind: the rest is keys' alone."""
    return [each for each in told if each.name in ("climbed", "confidential")]


def _seen(answer: Any) -> Any:
    """What an answer shows: all but the cursor, which is each reader's own."""
    if "json" not in answer.headers["content-type"]:
        return answer.status_code, len(answer.content) > 0
    return answer.status_code, {name: value for name, value in answer.json().items() if name != "next_cursor"}


async def test_every_door_leads_to_the_same_sight(signed_on: House, issuer: TestIssuer, told: list[Told]) -> None:
    doors = await _doors(signed_on, issuer)
    doors += [(who, {"Authorization": f"Bearer {await signed_on.key(wall)}"}) for wall, who in WALLS.items()]
    for who, headers in doors:
        for story in _few(told):
            for read in channels.reads(who, story):
                if read.method == "GET":
                    by_key, by_door = await ask(signed_on, who, read), await ask(signed_on, who, read, headers)
                    assert _seen(by_door) == _seen(by_key), (who, read)


@pytest.mark.clause("API5:2023", "ASVS 3.5.1")
async def test_every_door_opens_the_same_acts(signed_on: House, issuer: TestIssuer, told: list[Told]) -> None:
    bodies = acts.verbs()
    for who, headers in await _doors(signed_on, issuer):
        for story in _few(told):
            for verb, body in bodies.items():
                found = await acts.mark(signed_on, who, story, verb, body, headers)
                assert found == table.mark_of(who, story.name, verb), (who, story.name, verb)


async def test_a_wall_and_a_foreign_page_act_on_nothing(signed_on: House, told: list[Told]) -> None:
    browser = await signed_in(signed_on, "community")
    cookie = {"Cookie": f"{COOKIE}={browser.cookie}", "Sec-Fetch-Site": "cross-site"}
    walls = [{"Authorization": f"Bearer {await signed_on.key(wall)}"} for wall in WALLS]
    for verb, body in acts.verbs().items():
        for headers in (cookie, *walls):
            assert await acts.mark(signed_on, "community", told[1], verb, body, headers) == "-", verb
