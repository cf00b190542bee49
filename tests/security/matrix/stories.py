"""The incidents of the matrix. In everything that people wrote there is a number of a person; each has a contact."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from tests.house import House
from tests.security.matrix.people import EMPLOYEE, FIRM, POLICE, STATION, TEAM

POINT: dict[str, Any] = {"lat": 23.0861234, "lon": 113.2734567, "coord_type": "gcj02", "accuracy_m": 12.625}
NOT_OF_THE_FIRM = "urban-0128"
"""A category that the property firm does not answer for."""


class Told(NamedTuple):
    """A story as it stands, with what was planted in it. `unit` is the one that is called."""

    name: str
    id: str
    number: str
    unit: str
    source: dict[str, str]
    contact: dict[str, str]
    numbers: list[str]


class Planted:
    """Makes the texts of one story, each with a number of its own."""

    def __init__(self, name: str, nth: int) -> None:
        self.numbers: list[str] = []
        self._nth = nth
        self.source = {"system": "grid-app", "ref": f"REF-{name}"}
        phone = f"139{nth:02d}{990000 + nth}"
        self.contact = {"name": f"欧阳瓛{nth}", "phone": phone, "address": f"江南大道中{7000 + nth}号301室"}

    def text(self) -> str:
        """A text with the next number, in one writing after the other."""
        number = f"138{self._nth:02d}{710000 + len(self.numbers)}"
        self.numbers.append(number)
        writings = (number, f"+86 {number[:3]} {number[3:]}", f"{number[:3]}-{number[3:7]}-{number[7:]}")
        return f"请联系{writings[len(self.numbers) % 3]}。"

    def report(self) -> dict[str, Any]:
        """The fields of a report."""
        return {"description": self.text(), "location": POINT, "source": self.source, "contact": self.contact}


async def _plain(house: House, planted: Planted) -> Any:
    """Called at its community; the property firm may answer for it."""
    incident = await house.report(**planted.report())
    return await house.act("worker", incident, "comment", text=planted.text())


async def _climbed(house: House, planted: Planted) -> Any:
    """Missed by its community, which appeals; called at the department, which asks the leader for time."""
    incident = await house.report(**planted.report())
    due = (await house.get("ops", f"/v1/incidents/{incident['id']}"))["due_at"]
    await house.advance(to=due)
    await house.act("community", incident, "appeal", call=1, reason=planted.text())
    await house.act("street", incident, "raise", ground="other", reason=planted.text())
    return await _at_the_department(house, incident, planted)


async def _at_the_department(house: House, incident: Any, planted: Planted) -> Any:
    await house.act("department", incident, "answer", measure=planted.text(), contact=planted.text())
    await house.act("department", incident, "assist", units=[POLICE], reason=planted.text())
    return await _asks(house, "department", incident, planted)


async def _asks(house: House, who: str, incident: Any, planted: Planted) -> Any:
    due_at: str = (await house.get("ops", f"/v1/incidents/{incident['id']}"))["due_at"]
    return await house.act(
        who, incident, "extend", until=re.sub(r"T\d\d:\d\d", "T23:59", due_at), reason=planted.text()
    )


async def _handed(house: House, planted: Planted) -> Any:
    """Passed on by the street to a team of its own, which the firm and a station assist."""
    incident = await house.report(**planted.report())
    await house.act("community", incident, "raise", ground="other", reason=planted.text())
    await house.act("street", incident, "assign", unit=TEAM, reason=planted.text())
    await house.act("team", incident, "answer", measure=planted.text())
    await house.act("team", incident, "assist", units=[FIRM, STATION], reason=planted.text())
    return await _asks(house, "team", incident, planted)


async def _raised(house: House, planted: Planted, **fields: Any) -> Any:
    incident = await house.report(**planted.report(), **fields)
    for who in ("community", "street"):
        await house.act(who, incident, "raise", ground="other", reason=planted.text())
    return incident


async def _closed(house: House, planted: Planted) -> Any:
    """Passed on by the department to another one, which the police assisted and which resolved it; accepted. The firm
    assisted the community."""
    incident = await house.report(**planted.report())
    await house.act("community", incident, "assist", units=[FIRM], reason=planted.text())
    await house.act("firm", incident, "part-done", comment=planted.text())
    for who in ("community", "street"):
        await house.act(who, incident, "raise", ground="other", reason=planted.text())
    await house.act("department", incident, "assign", unit="dept-water", reason=planted.text())
    await house.act("other_department", incident, "assist", units=[POLICE], reason=planted.text())
    await house.act("other_department", incident, "resolve", result=planted.text())
    return await house.act("worker", incident, "accept", comment=planted.text())


async def _confidential(house: House, planted: Planted) -> Any:
    """Reported in confidence, and called at the department as `climbed` is."""
    return await _at_the_department(house, await _raised(house, planted, confidential=True), planted)


async def _merged(house: House, planted: Planted) -> Any:
    """Called at its community; what the follower reported was merged into it."""
    incident = await house.report(**planted.report())
    await _followed(house, incident)
    return incident


async def _followed(house: House, incident: Any) -> None:
    other = await house.report("follower", description="也是这件")
    await house.act("ops", other, "merge", into=incident["id"], reason="同一件")


async def _resolved(house: House, planted: Planted) -> Any:
    """Raised by the community, and resolved by the street; what the follower reported was merged into it. It waits to
    be accepted or rejected."""
    incident = await house.report(**planted.report())
    await _followed(house, incident)
    await house.act("community", incident, "raise", ground="other", reason=planted.text())
    await house.act("street", incident, "answer", measure=planted.text(), contact=planted.text())
    return await house.act("street", incident, "resolve", result=planted.text())


async def _employed(house: House, planted: Planted) -> Any:
    """Reported by a worker of the vendor, in a category that is not the firm's."""
    fields = {**planted.report(), "category": NOT_OF_THE_FIRM, "on_behalf_of": EMPLOYEE}
    return await house.report("vendor", **fields)


TELLERS: dict[str, Callable[[House, Planted], Awaitable[Any]]] = {
    "climbed": _climbed,  # first: it moves the clock
    "plain": _plain,
    "handed": _handed,
    "closed": _closed,
    "confidential": _confidential,
    "merged": _merged,
    "employed": _employed,
    "resolved": _resolved,
}


async def told(house: House) -> list[Told]:
    """Every story, as it stands when the matrix is read."""
    found = []
    for nth, (name, tell) in enumerate(TELLERS.items(), start=11):
        planted = Planted(name, nth)
        incident_id = (await tell(house, planted))["id"]
        view = await house.get("ops", f"/v1/incidents/{incident_id}")
        unit, number = view["unit"]["code"], view["number"]
        found.append(Told(name, incident_id, number, unit, planted.source, planted.contact, planted.numbers))
    await house.sealed()
    return found
