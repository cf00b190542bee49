"""A running service and the people around it, so that a scenario reads as a page of a story."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from service.access import keys
from service.access.keyring import Keyring
from service.access.new_keys import NewKey
from service.process import Process
from service.rules.model import By
from service.rules.words import Role

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Monday 09:00 in Guangzhou: where the virtual clock of every test starts."""

CELL, COMMUNITY, STREET = "440105003001001", "440105003001", "440105003"
CATEGORY, DEPARTMENT, LEADER = "urban-0110", "dept-urban-management", "leader-urban"

SYSTEMS = ("grid-app", "hotline")
"""The systems in whose name reporters, the community and ops may report."""

PEOPLE: dict[str, NewKey] = {
    "worker": NewKey(Role.REPORTER, area=STREET, subject="worker", systems=SYSTEMS),
    "colleague": NewKey(Role.REPORTER, area=STREET, subject="colleague", systems=SYSTEMS),
    "stranger": NewKey(Role.REPORTER, area="440105001", subject="stranger", systems=SYSTEMS),
    "community": NewKey(Role.UNIT, unit=COMMUNITY, systems=SYSTEMS),
    "street": NewKey(Role.UNIT, unit=STREET),
    "department": NewKey(Role.UNIT, unit=DEPARTMENT),
    "leader": NewKey(Role.UNIT, unit=LEADER),
    "other_street": NewKey(Role.UNIT, unit="440105001"),
    "auditor": NewKey(Role.AUDITOR, subject="auditor"),
    "ops": NewKey(Role.OPS, subject="ops", systems=SYSTEMS),
    "security": NewKey(Role.SECURITY, subject="security"),
    "other_security": NewKey(Role.SECURITY, subject="other-security"),
    "other_ops": NewKey(Role.OPS, subject="other-ops"),
}


class House:
    """Everybody has a client of their own: `await house.post("worker", "/v1/incidents", {...})`."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.process: Process = app.state.process
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://house")
        self._keys: dict[str, str] = {}

    async def close(self) -> None:
        await self._client.aclose()

    async def key(self, who: str) -> str:
        """The key of one of `PEOPLE`, or of the unit with this code; made when first asked for."""
        if who not in self._keys:
            wanted = PEOPLE.get(who) or NewKey(Role.UNIT, unit=who)
            process = self.process
            made = await keys.create(
                process.database, process.worlds.world, process.clock.now(), wanted, By("ops", "tests")
            )
            await process.context.part(Keyring).load()
            self._keys[who] = made.text
        return self._keys[who]

    async def send(
        self, who: str, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None, **query: Any
    ) -> httpx.Response:
        content = None if body is None else json.dumps(body)  # ASCII: half a surrogate pair can be sent, too
        return await self.raw(who, method, path, content, headers=headers, **query)

    async def raw(
        self,
        who: str,
        method: str,
        path: str,
        content: str | bytes | None,
        *,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> httpx.Response:
        """The answer to a request whose body is these bytes, said to be JSON. An empty `who` has no key: `headers` say
        who it is."""
        signed = {"Authorization": f"Bearer {await self.key(who)}"} if who else {}
        lines = {**signed, "Content-Type": "application/json", **(headers or {})}
        return await self._client.request(method, path, content=content, headers=lines, params=query or None)

    async def get(self, who: str, path: str, **query: Any) -> Any:
        answer = await self.send(who, "GET", path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def report(self, who: str = "worker", *, key: str | None = None, **fields: Any) -> Any:
        """A report that is taken: the incident."""
        body = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积", **fields}
        headers = {"Idempotency-Key": key} if key else None
        answer = await self.send(who, "POST", "/v1/incidents", body, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def act(self, who: str, incident: Any, verb: str, **body: Any) -> Any:
        """An act that is allowed: the incident as it then stands."""
        answer = await self.send(who, "POST", f"/v1/incidents/{incident['id']}/{verb}", body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, who: str, incident: Any, verb: str, **body: Any) -> Any:
        """An act that is refused: the problem."""
        answer = await self.send(who, "POST", f"/v1/incidents/{incident['id']}/{verb}", body)
        assert answer.status_code >= 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.json()

    async def advance(self, **how: Any) -> Any:
        answer = await self.send("ops", "POST", "/v1/clock/advance", how)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def sealed(self) -> None:
        """Wait until the feed shows everything committed so far."""
        await self.process.tail.settled()
