"""Incidents whose policy is not in the database: nobody can make more of them, and those there are go on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from tests.house import House

pytestmark = pytest.mark.anyio


async def _lose(house: House, incident: Any) -> None:
    async with house.process.database.begin() as tx:
        statement = text("UPDATE incident SET policy_version = 99 WHERE id = :id")
        await tx.execute(statement, {"id": incident["id"]})


async def test_it_is_shown_planned_and_acted_on(house: House) -> None:
    known, lost = await house.report(), await house.report()
    await _lose(house, lost)
    for part in ("plan", "deadline"):
        [of_known, of_lost] = [
            await house.get("worker", f"/v1/incidents/{each['id']}/{part}") for each in (known, lost)
        ]
        assert of_lost == of_known, part
    assert (await house.get("worker", f"/v1/incidents/{lost['id']}"))["policy"]["version"] == 99
    answered = await house.act("community", lost, "answer", measure="现场处理")
    assert answered["state"] == "answered"
    await house.act("community", lost, "hold", until="2026-11-25T09:00:00+08:00", reason="等材料")
    await house.act("street", lost, "requests/1/approve")
    await house.act("community", lost, "resume")
    await house.act("community", lost, "resolve", result="已清运")
    assert (await house.get("worker", f"/v1/incidents/{lost['id']}/deadline"))["box"] == "verify"
    assert (await house.act("worker", lost, "accept"))["state"] == "closed"


async def test_it_climbs_as_the_others_do(house: House) -> None:
    lost = await house.report()
    await _lose(house, lost)
    await house.advance(to=lost["due_at"])
    assert (await house.get("worker", f"/v1/incidents/{lost['id']}"))["level"] == 2


async def test_nothing_is_reported_under_a_policy_that_was_lost(house: House) -> None:
    """The newest version was imported after the backup that is restored: the process that knows it decides by what is
    there, also when the same number comes again with another content."""
    made = await _activate(house, verify="9d")
    before = await house.report()
    assert before["policy"]["version"] == made
    async with house.process.database.begin() as tx:  # as the restore of a dump does it: no event, no reload
        await tx.execute(text("DELETE FROM policy_activation WHERE version = :v"), {"v": made})
        await tx.execute(text("DELETE FROM policy WHERE version = :v"), {"v": made})
        restored = text("UPDATE deployment SET world_version = world_version - 2, world_mark = gen_random_uuid()")
        await tx.execute(restored)
    after = await house.report()
    assert after["policy"]["version"] == made - 1
    assert (await house.act("community", before, "answer", measure="现场处理"))["state"] == "answered"
    async with house.process.database.read() as connection:
        count = (
            "SELECT count(*) FROM incident LEFT JOIN policy ON (code, policy.version) = (policy_code, policy_version)"
        )
        assert (await connection.execute(text(f"{count} WHERE code IS NULL"))).scalar_one() == 1
    assert await _activate(house, verify="5d") == made
    resolved = await house.act("community", await house.report(), "resolve", result="已清运")
    told = await house.get("worker", f"/v1/incidents/{resolved['id']}/deadline")
    assert (told["policy"]["version"], told["box_s"]) == (made, 5 * 86_400)


async def _activate(house: House, **fields: str) -> int:
    """Put another version of the policy in force; its number."""
    document = yaml.safe_load((Path(__file__).parents[1] / "continuous.yaml").read_text(encoding="utf-8"))
    drafted = await house.send("ops", "POST", "/v1/policies", {**document, **fields})
    assert drafted.status_code == 201, drafted.text
    version = int(drafted.json()["version"])
    path = f"/v1/policies/{document['code']}/versions/{version}/activate"
    activated = await house.send("ops", "POST", path, {})
    assert activated.status_code == 200, activated.text
    return version
