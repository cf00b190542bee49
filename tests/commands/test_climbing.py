"""The sample call of the demo: what is printed while it climbs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from service.commands import climbing, sample
from service.commands.climbing import ClimbingCall
from service.registry.bundle import importing, parse
from service.registry.bundle.files import read_folder
from service.rules.model import By
from service.rules.words import Level, Urgency
from service.store.database import Database
from service.store.registry import world
from service.web import story
from tests.house import House

pytestmark = pytest.mark.anyio
NAMES = {"c": "社区", "s": "街道"}
AT = "2026-11-26T02:00:21.5+00:00"


def test_each_call_is_a_line_with_who_was_missed() -> None:
    reported = {"level": 1, "unit": "c", "opened_at": "2026-11-26T02:00:01+00:00", "late_s": 0.04}
    missed = {"level": 2, "unit": "s", "opened_at": AT, "late_s": None}
    incident = {"number": "2026-000001", "calls": [reported, missed, {**missed, "level": 3}]}
    assert climbing.lines_of(incident, NAMES) == [
        "10:00:01  2026-000001  reported 上报 → 一呼 社区",
        "10:00:21  2026-000001  社区 did not answer 超时未应 (0.0 s late) → 二呼 街道",
        "10:00:21  2026-000001  街道 did not answer 超时未应 (passed on) → 三呼 街道",
    ]


def test_the_demo_has_one_category_more_than_the_sample() -> None:
    bundle = parse.bundle_of(sample.demo_bundle())
    plain = parse.bundle_of(read_folder(sample.SAMPLE))
    assert not bundle.faults
    assert {row.code for _, row in bundle.categories} - {row.code for _, row in plain.categories} == {story.CLIMBING}


async def test_the_sample_call_climbs_every_20_seconds(database: Database) -> None:
    now = datetime.now(UTC)
    report = await importing.import_bundle(database, sample.demo_bundle(), now, By("ops", "tests"), dry_run=False)
    assert not report.faults
    async with database.read() as connection:
        policy = (await world.load(connection)).active(now + timedelta(seconds=1))
    assert policy is not None
    answers_s = [
        next(box.answer_s for box in policy.boxes[level, Urgency.NORMAL] if story.CLIMBING.startswith(box.category))
        for level in Level
    ]
    assert answers_s == [20, 20, 20, 2 * 86_400]


async def test_a_server_out_of_reach_is_a_warning(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """The demo goes on without the sample call."""
    call = ClimbingCall(house.process.context, "http://127.0.0.1:1", "sihu_x")
    call.start()
    async with asyncio.timeout(20):
        while "the sample call is not shown" not in caplog.text:
            await asyncio.sleep(0.01)
    await call.stop()
