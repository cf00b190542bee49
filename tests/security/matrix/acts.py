"""One act on an incident, sent so that it changes nothing: to a version that the incident never had.

Whether somebody may is refused before that (404, 403), and what the state allows after it (412 comes first).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from tests.house import House
from tests.security import requests
from tests.security.matrix import table
from tests.security.matrix.people import EMPLOYEE, WORKER_OF_VENDOR, key_of
from tests.security.matrix.stories import Told
from tests.security.requests import Sent
from tests.sign_on.browser import SITE

PREFIX = "POST /v1/incidents/{incident_id}/"
BODIES: Mapping[str, Any] = {
    "appeal": {"call": 1, "reason": "停电"},
    "correct": {"urgency": "urgent", "reason": "有危险"},
    "rate": {"score": 4},
}
"""The bodies that say more than the first example of the document does: which call, what is corrected."""
REFUSED = {403: "-", 404: "0"}


def verbs() -> dict[str, Any]:
    """Every act on an incident that the document has, with a body for it."""
    found = (each for each in requests.every() if each.operation.startswith(PREFIX))
    return {each.operation.removeprefix(PREFIX): BODIES.get(_last(each), each.body) for each in found}


def _last(sent: requests.Sent) -> str:
    return sent.operation.rpartition("/")[2]


async def send(house: House, who: str, sent: Sent, headers: Mapping[str, str]) -> httpx.Response:
    """The answer to somebody who signs in by a key, unless `headers` say otherwise. A cookie comes from a browser,
    which has no key and speaks https."""
    by_cookie = "Cookie" in headers
    who, site = ("", SITE) if by_cookie else (key_of(who), "")
    return await house.send(who, sent.method, site + sent.path, sent.body, headers=dict(headers), **sent.query)


async def mark(house: House, who: str, story: Told, verb: str, body: Any, headers: Mapping[str, str] = {}) -> str:
    """What somebody gets for an act, as `table.mark_of` writes it. `headers` says how somebody signs in, if not by a
    key."""
    if who == WORKER_OF_VENDOR and verb in table.NAMES_WORKER:
        body = {**(body or {}), "on_behalf_of": EMPLOYEE}
    path = f"/v1/incidents/{story.id}/{verb}".replace("{n}", "1").replace("{seq}", "1")
    sent = Sent(verb, "POST", path, body, {})
    answer = await send(house, who, sent, {"If-Match": '"999999"', **headers})
    found = REFUSED.get(answer.status_code, "+")
    assert found != "+" or answer.status_code in (409, 412, 422), (who, story.name, verb, answer.text)
    return found
