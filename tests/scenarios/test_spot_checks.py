"""What nobody verifies is drawn by a seed that nobody knows: ops look at it, and a unit that only says so is caught."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from uuid import UUID

import pytest
import yaml

from service.rules.figures.definition import Period
from service.store.figures import seeds
from tests.conftest import CONTINUOUS
from tests.house import COMMUNITY, PEOPLE, STREET, House
from tests.scenarios.figures import fair, figures, scores

pytestmark = pytest.mark.anyio

DAY = 24 * 3600
DRAWN_FROM = "/v1/incidents"


async def _policy(house: House, percent: int) -> None:
    """From now on so many percent are drawn."""
    policy = {**yaml.safe_load(CONTINUOUS.read_text(encoding="utf-8")), "spot_check": percent}
    drafted = (await house.send("ops", "POST", "/v1/policies", policy)).json()
    path = f"/v1/policies/{drafted['code']}/versions/{drafted['version']}/activate"
    assert (await house.send("ops", "POST", path, {})).status_code == 200


async def _unverified(house: House, many: int = 1, unit: str = "community", **fields: Any) -> list[Any]:
    """So many incidents that the unit says are done, and that nobody looks at until they close."""
    found = [await house.report(**fields) for _ in range(many)]
    for each in found:
        await house.act(unit, each, "resolve", result="已清运")
    await house.advance(seconds=3 * DAY)
    return [await _seen(house, each) for each in found]


async def _seen(house: House, incident: Any, who: str = "ops") -> Any:
    return await house.get(who, f"/v1/incidents/{incident['id']}")


async def _drawn(house: House, who: str = "ops", drawn: str = "true", **query: Any) -> list[str]:
    return [row["id"] for row in (await house.get(who, DRAWN_FROM, drawn=drawn, limit=500, **query))["items"]]


async def _seed(house: House, period: Period) -> str:
    async with house.process.database.read() as connection:
        found = await seeds.seed_of(connection, period)
    assert found is not None
    return found.seed


def _by_hand(seed: str, incident: Any, percent: int) -> bool:
    """The draw as the reference describes it."""
    code = hmac.new(bytes.fromhex(seed), incident["id"].encode(), hashlib.sha256).digest()
    return int.from_bytes(code[:8], "big") * 100 < percent * 2**64


async def _events(house: House, incident: Any) -> list[str]:
    items = (await house.get("worker", f"/v1/incidents/{incident['id']}/timeline"))["items"]
    return [each["type"].removeprefix("sihu.") for each in items]


async def test_what_ops_accept_is_verified_and_stays_closed(house: House) -> None:
    await _policy(house, 100)
    [incident] = await _unverified(house)
    assert (incident["state"], incident["closed_as"], incident["drawn"]) == ("closed", "unverified", True)
    assert await _drawn(house) == await _drawn(house, "auditor") == [incident["id"]]
    checked = await house.act("ops", incident, "accept", comment="现场已干净")
    assert (checked["state"], checked["closed_as"], checked["drawn"]) == ("closed", "unverified", True)
    assert (checked["calls"][0]["credit"], checked["reopen_until"]) == ("verified", incident["reopen_until"])
    assert (await _events(house, incident))[-2:] == ["incident.closed", "incident.checked"]
    for verdict, body in (("accept", {}), ("reject", {"reason": "没清"})):
        problem = await house.refused("ops", incident, verdict, **body)
        assert (problem["status"], problem["code"]) == (409, "illegal_transition")
        assert problem["detail"] == "It was checked already: whoever finds it undone may reopen it."
        assert not {"accept", "reject"} & set(problem["allowed"])
    reopened = await house.act("worker", incident, "reopen", reason="又脏了")
    assert (reopened["calls"][0]["credit"], reopened["state"]) == ("reopened", "calling")
    assert (await _seen(house, incident))["drawn"] is False


async def test_what_ops_reject_is_called_again(house: House) -> None:
    """Months after its reporter could have reopened it."""
    await _policy(house, 100)
    [incident] = await _unverified(house)
    await house.advance(seconds=90 * DAY)
    assert (await house.refused("worker", incident, "reopen", reason="没清"))["status"] == 409
    again = await house.act("ops", incident, "reject", reason="现场没清")
    assert (again["state"], again["unit"]["code"], again["closed_as"], again["drawn"]) == (
        *("calling", COMMUNITY, None),
        False,
    )
    first, second = again["calls"]
    assert (first["credit"], second["cause"], second["reason"]) == ("rejected", "rejected", "现场没清")
    told = ["incident.checked", "incident.rejected", "call.opened"]
    assert (await _events(house, incident))[-3:] == told
    assert await _drawn(house) == []
    await house.act("community", incident, "resolve", result="这回清了")
    up = await house.act("worker", incident, "reject", reason="还是没清")
    assert up["unit"]["code"] == STREET, "the second rejection"


async def test_a_verdict_is_carried_out_once_and_only_as_it_was_seen(house: House) -> None:
    await _policy(house, 100)
    [incident] = await _unverified(house)
    path = f"/v1/incidents/{incident['id']}/accept"
    stale = await house.send("ops", "POST", path, {}, headers={"If-Match": f'"{incident["version"] - 1}"'})
    assert stale.status_code == 412
    key = {"Idempotency-Key": "check-1"}
    first, second = [await house.send("ops", "POST", path, {}, headers=key) for _ in range(2)]
    assert (first.status_code, second.status_code) == (200, 200)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert (await _events(house, incident)).count("incident.checked") == 1


async def test_nobody_but_ops_judges_what_has_closed(house: House) -> None:
    await _policy(house, 100)
    [incident] = await _unverified(house)
    for verdict, body in (("accept", {}), ("reject", {"reason": "没清"})):
        for who, status in (
            ("community", 403),
            ("auditor", 403),
            ("department", 404),
            ("worker", 409),
            ("street", 409),
        ):
            assert (await house.refused(who, incident, verdict, **body))["status"] == status, (who, verdict)
    await _policy(house, 0)
    [other] = await _unverified(house)
    assert other["drawn"] is False
    assert (await house.refused("ops", other, "accept"))["status"] == 409


async def test_whoever_acts_does_not_know_what_was_drawn(house: House) -> None:
    """Neither from the incident nor from a list, nor from what is in the feed."""
    await _policy(house, 100)
    [incident] = await _unverified(house)
    for who in ("worker", "community", "street"):
        assert (await _seen(house, incident, who))["drawn"] is None
        assert (await _drawn(house, who), await _drawn(house, who, "false")) == ([], [incident["id"]])
    assert await _drawn(house, "ops", "false") == []
    await house.sealed()
    feed = await house.send("community", "GET", "/v1/events", limit=500)
    assert "sihu.incident.closed" in feed.text and "drawn" not in feed.text


@pytest.mark.parametrize("month", [Period(2026, 11), Period(2026, 12)])
async def test_everybody_reckons_again_what_was_drawn(house: House, month: Period) -> None:
    """By the seed of the month in which it closed, though it was resolved in the month before."""
    await _policy(house, 50)
    await house.advance(to={11: "2026-11-26T00:00:00Z", 12: "2026-11-29T00:00:00Z"}[month.month])
    closed = await _unverified(house, 12)
    assert {Period.at(house.process.clock.now())} == {month}
    seed = await _seed(house, month)
    await house.sealed()
    events = (await house.get("auditor", "/v1/events", types="sihu.appraisal.seeded"))["items"]
    [published] = [each["data"]["digest"] for each in events if each["data"]["period"] == str(month)]
    assert published == hashlib.sha256(bytes.fromhex(seed)).hexdigest()
    expected = {each["id"] for each in closed if _by_hand(seed, each, 50)}
    assert set(await _drawn(house)) == expected
    assert {each["id"] for each in closed if each["drawn"]} == expected


async def test_nobody_sees_a_seed(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """In no answer, in no metric and in no line of the log, whoever asks."""
    caplog.set_level("DEBUG")
    await _policy(house, 100)
    [incident] = await _unverified(house)
    await house.act("ops", incident, "reject", reason="没清")
    await house.sealed()
    one, month = f"/v1/incidents/{incident['id']}", "?period=2026-11"
    paths = [
        one,
        *(f"{one}/{view}" for view in ("timeline", "plan", "deadline", "similar")),
        "/v1/incidents?drawn=true",
    ]
    paths += ["/v1/events?limit=500", "/v1/policies", "/v1/keys", f"/v1/appraisal{month}", "/v1/incidents?cursor=x"]
    paths += ["/readyz", "/healthz", "/metrics", "/openapi.json", "/v1/appraisal?period=2026-13"]
    said = [caplog.text]
    for who in PEOPLE:
        said += [(await house.send(who, "GET", path)).text for path in paths]
    assert any("sihu.appraisal.seeded" in each for each in said)
    for period in (Period(2026, 11), Period(2026, 12)):
        seed = await _seed(house, period)
        forms = (seed, seed[:16], repr(bytes.fromhex(seed))[2:-1], str(UUID(seed[:32])))
        assert not [form for form in forms for each in said if form in each]


async def test_a_unit_that_only_says_so_is_found_out(house: House) -> None:
    """It resolves four falsely, and nobody verifies; ops look at all of them. Beside it, one that does its work."""
    await _policy(house, 100)
    honest, cell = "440105003002", "440105003002001"
    true = await _unverified(house, 4, honest, grid_code=cell)
    false = await _unverified(house, 4)
    counted = {"calls": 4, "answered": 4, "answered_in_time": 4, "resolved": 4, "resolved_level_1": 4, "unverified": 4}
    told = await figures(house)
    assert (told[COMMUNITY], told[honest]) == (counted, counted)
    # answered 4 of 4, resolved 0.5 × 4 of 4: (30 × 1 + 40 × 0.5) / 70
    assert await _both(house, honest) == (71.43, 71.43)
    for each in true:
        await house.act("ops", each, "accept")
    for each in false[:3]:
        await house.act("ops", each, "reject", reason="现场没清")
    # the honest one: 4 of 4; the other: 0.5 × 1 of 4, and three new calls that nobody has answered yet
    assert await _both(house, honest) == (50.0, 100.0)
    await house.act("ops", false[3], "reject", reason="现场没清")
    # answered 4 of 4, resolved 0 of 4: 30 / 70
    assert await _both(house, honest) == (42.86, 100.0)
    told = await figures(house)
    assert told[honest] == {**{name: n for name, n in counted.items() if name != "unverified"}, "resolved_in_time": 4}
    assert told[COMMUNITY] == {
        **{name: n for name, n in counted.items() if name != "unverified"},
        "calls": 8,
        "open": 4,
    }
    assert (await fair(house))[COMMUNITY] == {"rejected": 4}


async def _both(house: House, honest: str) -> tuple[float | None, float | None]:
    found = await scores(house)
    return found[COMMUNITY], found[honest]


async def test_a_share_of_what_is_false_is_found_out(house: House) -> None:
    """Half of eight are drawn, more or less: each that is found takes an eighth of the half that it had counted."""
    await _policy(house, 50)
    false = await _unverified(house, 8)
    seed = await _seed(house, Period(2026, 11))
    drawn = [each for each in false if _by_hand(seed, each, 50)]
    for each in drawn:
        await house.act("ops", each, "reject", reason="现场没清")
    share = (len(false) - len(drawn)) / len(false)
    assert (await scores(house))[COMMUNITY] == pytest.approx((30 + 40 * 0.5 * share) / 70 * 100, abs=0.006)
