"""Seeds are made by whoever moves time, one for each month, and the log has their digests before the months begin."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import pytest

from service.access import keys
from service.access.new_keys import NewKey
from service.rules.figures.definition import Period
from service.rules.model import By
from service.rules.words import Role
from service.store.figures import seeds
from tests.house import START, House

pytestmark = pytest.mark.anyio

_MONTHS = ["2026-11", "2026-12", "2027-01", "2027-02", "2027-03"]


async def test_a_digest_is_in_the_log_before_its_month(house: House) -> None:
    """The clock passes four months in one movement, and no seed is late for it; the next one is made on arrival."""
    await house.advance(to="2027-02-10T00:00:00Z")
    await house.sealed()
    events = (await house.get("auditor", "/v1/events", types="sihu.appraisal.seeded"))["items"]
    assert [each["data"]["period"] for each in events] == _MONTHS
    async with house.process.database.read() as connection:
        for each in events:
            seed = await seeds.seed_of(connection, Period.of(each["data"]["period"]))
            assert seed is not None
            assert each["data"]["digest"] == seed.digest == hashlib.sha256(bytes.fromhex(seed.seed)).hexdigest()
            assert each["data"]["by"] == {"kind": "clock"}
        published = [each["time"] for each in events]
        assert published == ["2026-11-23T01:00:00Z"] * 4 + ["2027-02-10T00:00:00Z"]
        assert [datetime.fromisoformat(each) for each in published] == [
            (await seeds.seeds_of(connection, [period]))[period].published_at for period in map(Period.of, _MONTHS)
        ]


async def test_a_month_that_has_its_seed_keeps_it(house: House) -> None:
    async def now() -> seeds.Seed | None:
        async with house.process.database.read() as connection:
            return await seeds.seed_of(connection, Period(2026, 12))

    await house.advance(seconds=0)
    first = await now()
    await house.advance(to="2026-12-05T00:00:00Z")
    assert first is not None and await now() == first
    await house.sealed()
    events = (await house.get("ops", "/v1/events", types="sihu.appraisal.seeded"))["items"]
    assert [each["data"]["period"] for each in events] == _MONTHS[:3]


async def test_a_key_made_years_ahead_works_there(house: House) -> None:
    """Only the clock has moved, past the ends of all keys. The command line knows from the log how late it is."""
    assert (await house.advance(seconds=3 * 366 * 86_400))["fired"] == 0
    process, wanted = house.process, NewKey(Role.AUDITOR)
    made = await keys.create(process.database, process.worlds.world, START, wanted, By("ops", "command-line"))
    assert made.key.expires_at is not None
    assert made.key.expires_at > process.clock.now() + timedelta(days=300)
