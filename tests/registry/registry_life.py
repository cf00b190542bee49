"""Everything that the registry, its policies, calendars and keys write to the log, once each."""

from __future__ import annotations

import asyncio
from typing import Any

import yaml
from sqlalchemy import text

from service.access.issuer_change import IssuerChange
from service.commands.sample import SAMPLE
from service.settings import Settings
from tests.house import House
from tests.registry.admissions import approve, propose, refuse


async def write_every_event(house: House) -> None:
    """Change what ops may change, so that each type of event without an incident is in the log."""
    day = {"day": "2027-02-08", "workday": False}
    await _send(house, "PUT", "/v1/calendars/cn/days", {"source": "s", "days": [day]})
    await propose(house)
    await approve(house)
    await propose(house, code="D-2")
    await refuse(house, code="D-2")
    policy = yaml.safe_load((SAMPLE / "policy.yaml").read_text(encoding="utf-8"))
    drafted = (await _send(house, "POST", "/v1/policies", {**policy, "verify": "9d"})).json()
    await _send(house, "POST", f"/v1/policies/{drafted['code']}/versions/{drafted['version']}/activate", {})
    created = await _send(house, "POST", "/v1/keys", {"role": "auditor"})
    await _send(house, "POST", f"{created.headers['location']}/rotate", {})
    await _send(house, "DELETE", created.headers["location"])
    issuer = Settings(oidc_issuer="https://login.example", oidc_audience="api")
    await IssuerChange(house.process.context, issuer).load()
    await house.advance(seconds=0)  # makes the seeds of this month and the next one
    await _send(house, "POST", "/v1/appraisal/2026-10/close")
    await restore(house)


async def restore(house: House) -> None:
    """Let the process find itself on a copy, as after the restore of a dump."""
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE log_history SET server = 'another/1/2@00000001'"))
    house.process.tail.doubt("")
    renewals = house.process.tail.renewals
    async with asyncio.timeout(10):
        while house.process.tail.renewals == renewals:
            await asyncio.sleep(0.01)


async def _send(house: House, method: str, path: str, body: Any = None) -> Any:
    answer = await house.send("ops", method, path, body)
    assert answer.status_code < 300, answer.text
    return answer
