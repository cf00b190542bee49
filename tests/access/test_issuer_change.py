"""Who starts with another issuer says so in the log, once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from service.access.issuer_change import IssuerChange
from service.settings import EngineMode, Settings
from tests.house import House

pytestmark = pytest.mark.anyio
HERE = {"oidc_issuer": "https://login.example", "oidc_audience": "api"}


async def start(house: House, **settings: Any) -> None:
    await IssuerChange(house.process.context, Settings(**settings)).load()


async def changes(house: House) -> list[Any]:
    await house.sealed()
    found = (await house.get("auditor", "/v1/events", types="sihu.sign_on.changed"))["items"]
    return [(each["data"]["from"], each["data"]["to"], each["data"]["by"]) for each in found]


@pytest.mark.clause("GB/T 22239 8.1.4.3 a")
async def test_a_change_of_the_issuer_is_in_the_log(house: House) -> None:
    await start(house)
    assert await changes(house) == [], "no issuer, as before"
    for settings in (HERE, HERE, {**HERE, "oidc_client_id": "pages", "oidc_client_secret_file": "/s"}, {}):
        await start(house, **settings)
    usual = {"issuer": "https://login.example", "audience": "api", "claims": "role=role,unit=unit,area=area"}
    first, second = {**usual, "client_id": None}, {**usual, "client_id": "pages"}
    by = {"kind": "clock"}
    assert await changes(house) == [(None, first, by), (first, second, by), (second, None, by)]


async def test_processes_that_start_at_once_write_one_change(house: House) -> None:
    await asyncio.gather(*(start(house, **HERE) for _ in range(4)))
    assert len(await changes(house)) == 1


async def test_a_process_that_only_fires_changes_nothing(house: House) -> None:
    await start(house, **HERE)
    await start(house, engine=EngineMode.ONLY)
    assert len(await changes(house)) == 1
