"""`POST /v1/registry/import`: what is taken, what is refused, and what is seen afterwards."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import httpx
import pytest

from tests.house import DEPARTMENT, STREET, House
from tests.registry.bundles import UNITS

pytestmark = pytest.mark.anyio


def renamed(name: str, code: str = DEPARTMENT) -> dict[str, str]:
    return {"units.csv": f"{UNITS}\n{code},{name},department,440105,,2020-09-01,\n"}


async def bring(house: House, content: bytes, media: str, who: str = "ops", **query: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {await house.key(who)}", "Content-Type": media}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(house.app), base_url="http://house") as client:
        return await client.post("/v1/registry/import", content=content, headers=headers, params=query)


async def import_policy(house: House, answer: str) -> None:
    rows = "".join(
        f"  - {{level: {level}, urgency: {urgency}, answer: {answer}, resolve: 1d, clock: continuous}}\n"
        for level in (1, 2, 3, 4)
        for urgency in ("urgent", "normal")
    )
    text = f"code: example\ntitle: t\nverify: 3d\nreopen: 7d\nrows:\n{rows}"
    done = await bring(house, json.dumps({"policy.yaml": text}).encode(), "application/json")
    assert done.status_code == 200, done.text


async def test_an_import_is_seen_at_once_and_the_past_stays_readable(house: House) -> None:
    await house.advance(seconds=3600)
    done = await bring(house, json.dumps(renamed("新名")).encode(), "application/json")
    assert done.json()["changes"]["units"] == {
        "added": 0,
        "changed": 1,
        "closed": 0,
        "unchanged": 0,
        "first": [DEPARTMENT],
    }
    now = {each["code"]: each["name"] for each in (await house.get("worker", "/v1/units", limit=500))["items"]}
    then = await house.get("worker", "/v1/units", limit=500, at="2026-11-23T01:00:00Z")
    assert now[DEPARTMENT] == "新名"
    assert {each["code"]: each["name"] for each in then["items"]}[DEPARTMENT] == "区城市管理和综合执法局"


async def test_an_import_tells_how_many_open_incidents_it_touches(house: House) -> None:
    incident = await house.report()
    row = f"{UNITS}\n{incident['unit']['code']},新社区,community,{STREET},,2020-09-01,\n"
    done = await bring(house, json.dumps({"units.csv": row}).encode(), "application/json", dry_run="true")
    assert (done.json()["dry_run"], done.json()["open_incidents"]) == (True, 1)


async def test_an_incident_keeps_the_policy_it_was_reported_under(house: House) -> None:
    before = await house.report()
    await import_policy(house, "5h")
    after = await house.report("colleague")
    assert (before["policy"]["version"], after["policy"]["version"]) == (1, 2)
    assert (await house.get("worker", f"/v1/incidents/{before['id']}"))["policy"]["version"] == 1


async def test_a_zip_is_taken_whatever_the_case_of_its_media_type(house: House) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("haizhu/units.csv", renamed("压缩")["units.csv"])
    done = await bring(house, buffer.getvalue(), "Application/ZIP")
    assert done.status_code == 200, done.text
    assert done.json()["changes"]["units"]["changed"] == 1


async def test_every_fault_is_named_with_file_and_row(house: House) -> None:
    files = {"cells.csv": "code,name,community\n12,a,440105003001\n13,b,nowhere\n"}
    refused = await bring(house, json.dumps(files).encode(), "application/json")
    assert (refused.status_code, refused.json()["code"]) == (422, "validation_failed")
    assert {each["detail"].split(": ")[0] for each in refused.json()["errors"]} == {"cells.csv:2", "cells.csv:3"}


@pytest.mark.parametrize(
    ("content", "media", "status", "code"),
    [
        (b"{", "application/json", 400, "bad_json"),
        (b"[]", "application/json", 422, "validation_failed"),
        (b'{"units.csv": 1}', "application/json", 422, "validation_failed"),
        (b"no archive", "application/zip", 422, "validation_failed"),
        (b"code", "text/csv", 415, "unsupported_media_type"),
    ],
)
async def test_what_is_no_bundle_gets_one_clear_problem(
    house: House, content: bytes, media: str, status: int, code: str
) -> None:
    answer = await bring(house, content, media)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize("who", ["worker", "community", "auditor"])
async def test_only_ops_may_import(house: House, who: str) -> None:
    answer = await bring(house, b"{}", "application/json", who)
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
