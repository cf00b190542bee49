"""Revealing is written before it is answered, and only while there is something to show."""

from __future__ import annotations

from uuid import UUID

import pytest

from service.incidents import revealing
from service.rules.errors import VersionMoved
from service.rules.model import Actor
from service.rules.words import Role
from service.store.incidents.saving import Stamp
from tests.house import STREET, House

pytestmark = pytest.mark.anyio

WHO = Actor(Role.UNIT, STREET, unit=STREET)


@pytest.mark.clause("GB/T 22239 8.1.4.3 d")
async def test_what_is_revealed_is_committed_before_it_is_returned(house: House) -> None:
    incident = await house.report(contact={"name": "张三"})
    incident_id = UUID(incident["id"])
    done = await revealing.reveal(house.process.context, incident_id, WHO, "回访", Stamp(STREET), None)
    assert done.contact.name == "张三" and not done.replayed
    page = await house.get("ops", f"/v1/incidents/{incident_id}/timeline")
    assert page["items"][-1]["type"] == "sihu.incident.revealed"


async def test_a_moved_version_reveals_nothing(house: House) -> None:
    incident_id = UUID((await house.report(contact={"name": "张三"}))["id"])
    with pytest.raises(VersionMoved):
        await revealing.reveal(house.process.context, incident_id, WHO, "回访", Stamp(STREET), frozenset({"7"}))
