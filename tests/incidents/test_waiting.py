"""What becomes of a report that was sent before, and of one from a system that its key does not carry."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from service.incidents.waiting import KnownReports, RepeatedReport, WaitingReport
from service.rules.acts import Draft
from service.rules.errors import IdempotencyMismatch, NotYours
from service.rules.model import Actor
from service.rules.words import Role
from service.store.incidents.reports import EarlierReport, Report
from tests.house import CATEGORY, CELL, COMMUNITY, STREET, House

pytestmark = pytest.mark.anyio

SOURCE = ("hotline", "GZ-1")
EARLIER, OTHER = EarlierReport(UUID(int=1), b"hash"), EarlierReport(UUID(int=2), b"hash")


async def waiting(key: str | None, source: tuple[str, str] | None, *, body: bytes = b"hash") -> WaitingReport:
    actor = Actor(Role.REPORTER, "worker", area=STREET, systems=("hotline",))
    content = Report("worker", body, "灯", idempotency_key=key, source=source)
    return WaitingReport(Draft(CELL, CATEGORY, "worker"), content, actor, 0.0)


async def test_a_key_comes_before_a_source_and_a_system() -> None:
    known = KnownReports({("worker", "k"): EARLIER}, {SOURCE: OTHER, ("app", "1"): OTHER})
    assert known.find(await waiting("k", SOURCE)) == RepeatedReport(EARLIER, by_source=False)
    assert known.find(await waiting("k", ("app", "1"))) == RepeatedReport(EARLIER, by_source=False)
    assert isinstance(known.find(await waiting("k", None, body=b"other")), IdempotencyMismatch)
    assert known.find(await waiting("l", SOURCE)) == RepeatedReport(OTHER, by_source=True)
    assert known.find(await waiting(None, ("hotline", "GZ-2"))) is None
    for ref in ("1", "2"):  # whether the pair is taken is no matter of a stranger to its system
        refused = known.find(await waiting("l", ("app", ref)))
        assert isinstance(refused, NotYours) and refused.errors[0].pointer == "/source/system"


BODY = {"grid_code": CELL, "category": CATEGORY, "description": "巷口垃圾堆积"}


async def _post(house: House, who: str, source: tuple[str, str], **fields: Any) -> Any:
    body = {**BODY, "source": dict(zip(("system", "ref"), source, strict=True)), **fields}
    return await house.send(who, "POST", "/v1/incidents", body)


async def test_nobody_squats_the_references_of_a_hotline(house: House) -> None:
    """A resident's key takes the number first, in vain: the hotline's own report under it is stored."""
    squatter = await house.send(
        "ops", "POST", "/v1/keys", {"role": "reporter", "area": COMMUNITY, "subject": "resident"}
    )
    key = {"Authorization": f"Bearer {squatter.json()['key']}"}
    body = {**BODY, "source": {"system": "hotline", "ref": "GZ2026-000777"}}
    refused = await house.send("worker", "POST", "/v1/incidents", body, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_yours")
    assert "hotline" in refused.json()["detail"]
    first = await _post(house, "ops", ("hotline", "GZ2026-000777"), on_behalf_of="caller")
    assert first.status_code == 201
    known = await _post(house, "worker", ("hotline", "GZ2026-000777"))
    assert (known.status_code, known.json()["id"]) == (200, first.json()["id"])
    batch = {"items": [body, BODY]}
    results = (await house.send("worker", "POST", "/v1/incidents/batch", batch, headers=key)).json()["results"]
    assert [each["status"] for each in results] == [403, 201]
    assert results[0]["problem"]["errors"][0]["pointer"] == "/items/0/source/system"


async def test_a_replay_outlives_the_system_of_a_key(house: House) -> None:
    body = {**BODY, "source": {"system": "grid-app", "ref": "A-1"}}
    first = await house.send("worker", "POST", "/v1/incidents", body, headers={"Idempotency-Key": "k"})
    renewed = {"role": "reporter", "area": STREET, "subject": "worker"}
    key = (await house.send("ops", "POST", "/v1/keys", renewed)).json()
    assert (key["systems"], key["quota"]) == ([], None)
    headers = {"Authorization": f"Bearer {key['key']}", "Idempotency-Key": "k"}
    again = await house.send("worker", "POST", "/v1/incidents", body, headers=headers)
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
