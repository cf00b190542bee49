"""The day on which a key was used last is written beside the requests, and shown to whoever lists keys."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service import ids
from service.access.key_use import KeyUse
from service.access.keyring import Keyring
from service.context import Context
from service.rules.errors import Unavailable
from service.store.database import Database
from tests.access import apps
from tests.access.worlds import NOW
from tests.house import House

pytestmark = pytest.mark.anyio

TODAY, TOMORROW = "2026-11-22T16:00:00Z", "2026-11-23T16:00:00Z"
"""The day of the house in Asia/Shanghai, and the next one."""


async def used(house: House, who: str) -> Any:
    listed = (await house.get("ops", "/v1/keys", subject=who))["items"]
    return listed[0]["last_used_at"]


async def written(house: House, who: str, day: str) -> None:
    async with asyncio.timeout(20):
        while await used(house, who) != day:
            await asyncio.sleep(0.05)


async def test_a_use_is_written_day_by_day(house: House) -> None:
    assert await house.key("auditor")
    await house.get("ops", "/v1/keys")
    use = house.process.context.part(KeyUse)
    await use.write()
    assert (await used(house, "ops"), await used(house, "auditor")) == (TODAY, None)
    await house.get("auditor", "/v1/incidents")
    await use.write()
    assert await used(house, "auditor") == TODAY
    await house.advance(seconds=86_400)
    await house.get("auditor", "/v1/incidents")
    await use.write()
    assert await used(house, "auditor") == TOMORROW


async def test_the_part_writes_by_itself(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.access.key_use.KeyUse.PAUSE_S", 0.05)
    use = KeyUse(house.process.context)
    use.start()
    await house.get("auditor", "/v1/incidents")
    await written(house, "auditor", TODAY)
    await use.stop()


async def test_a_stop_writes_what_is_noted(house: House) -> None:
    use = KeyUse(house.process.context)
    use.start()
    await house.get("auditor", "/v1/incidents")
    await use.stop()
    assert await used(house, "auditor") == TODAY


async def test_what_cannot_be_written_is_kept() -> None:
    nowhere = Database("postgresql+asyncpg://nobody@127.0.0.1:1/nowhere")
    context: Context = apps.context_of(nowhere)
    keyring, uses = context.part(Keyring), {ids.new_id(NOW): NOW}
    keyring.give_back(uses)
    use = KeyUse(context)
    with pytest.raises(Unavailable):
        await use.write()
    await use.stop()  # a process ends although its database is away
    await nowhere.close()
    assert keyring.take_uses() == uses
