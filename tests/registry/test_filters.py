"""A code that the registry never had is refused in every filter, and a list's cursor is good for its reader alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from service.registry import filters
from service.rules import world as worlds
from service.rules.errors import SihuError
from service.rules.words import Level, UnitKind, Urgency
from service.rules.world import Category, Cell, Line, Unit, Validity
from tests.house import CATEGORY, CELL, COMMUNITY, DEPARTMENT, STREET, House

pytestmark = pytest.mark.anyio

ENDED = Validity(datetime(2000, 1, 1, tzinfo=UTC), datetime(2001, 1, 1, tzinfo=UTC))
WORLD = worlds.build(
    1,
    units=[
        Unit("440105003", "街道", UnitKind.STREET, Level.STREET, ENDED),
        Unit("dept-a", "局", UnitKind.DEPARTMENT, Level.DEPARTMENT, ENDED),
    ],
    cells=[Cell("440105001002003", "网格", "440105001002", ENDED)],
    categories=[Category("urban-0110", "垃圾", "urban", Urgency.NORMAL, ENDED)],
    lines=[Line("urban", "城管")],
)


@pytest.mark.parametrize(
    "known",
    [
        {"unit": "dept-a", "line": "urban"},
        *({"area": each} for each in ("440105", "440105001", "440105001002003", "440105003", "44010500")),
        *({"category": each} for each in ("urban-0110", "urban", "u")),
    ],
)
def test_what_the_registry_ever_had_is_known(known: dict[str, str]) -> None:
    filters.demand_known(WORLD, **known)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"unit": "dept-b"}, "unknown_unit"),
        ({"unit": "dept"}, "unknown_unit"),
        ({"line": "urba"}, "unknown_reference"),
        *(
            ({"area": each}, "unknown_reference")
            for each in ("440106", "440105002", "440105003001", "4401050010020030")
        ),
        *(({"category": each}, "unknown_category") for each in ("urban-01100", "urban-02", "v", "URBAN")),
    ],
)
def test_what_it_never_had_is_refused(wrong: dict[str, str], code: str) -> None:
    for world in (WORLD, worlds.build(0)):
        with pytest.raises(SihuError) as refused:
            filters.demand_known(world, **wrong)
        assert (refused.value.code, refused.value.errors[0].pointer) == (code, f"?{next(iter(wrong))}")


CODES = {
    "unit": "unknown_unit",
    "category": "unknown_category",
    "area": "unknown_reference",
    "line": "unknown_reference",
}
GOOD: dict[str, Any] = {"unit": DEPARTMENT, "category": CATEGORY, "area": STREET, "line": "urban"}
BAD: dict[str, Any] = {"unit": "nobody", "category": "nothing", "area": "440106", "line": "nowhere"}


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/incidents", "unit category area line"),
        ("/v1/events", "unit area"),
        ("/v1/units", "area"),
        ("/v1/grid-cells", "area"),
        ("/v1/duties", "area category"),
    ],
)
async def test_every_filter_refuses_what_nobody_knows(house: House, path: str, names: str) -> None:
    for name in names.split():
        assert (await house.send("ops", "GET", path, **{name: GOOD[name]})).status_code == 200
        answer = await house.send("ops", "GET", path, **{name: BAD[name]})
        assert (answer.status_code, answer.json()["code"]) == (422, CODES[name]), name
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"?{name}"]


@pytest.mark.parametrize(
    ("grouping", "good", "bad", "code"),
    [
        ("unit", COMMUNITY, "nobody", "unknown_unit"),
        ("department", DEPARTMENT, "dept", "unknown_unit"),
        ("street", STREET, "440106001", "unknown_reference"),
        ("line", "urban", "nowhere", "unknown_reference"),
        ("line", "unknown", "x", "unknown_reference"),
        ("level", "4", "5", "unknown_reference"),
        ("level", "1", "12", "unknown_reference"),
    ],
)
async def test_a_group_of_the_appraisal_is_a_known_one(
    house: House, grouping: str, good: str, bad: str, code: str
) -> None:
    query: dict[str, Any] = {"period": "2026-11", "group_by": grouping}
    assert (await house.send("ops", "GET", "/v1/appraisal/calls", **query, group=good)).status_code == 200
    answer = await house.send("ops", "GET", "/v1/appraisal/calls", **query, group=bad)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert [each["pointer"] for each in answer.json()["errors"]] == ["?group"]


@pytest.mark.parametrize(
    ("types", "meant"),
    [
        ("sihu.call.opend", "sihu.call.opened"),
        ("SIHU.CALL.OPENED", "sihu.call.opened"),
        ("sihu.call.opened%20", "sihu.call.opened"),
        ("sihu.call.*", "sihu.call."),
        ("%00", None),
        ("a%00b", None),
        ("sihu.call.opened,%00", None),
        ("%FF", None),
    ],
)
async def test_a_type_with_a_typo_is_refused_with_the_known(house: House, types: str, meant: str | None) -> None:
    answer = await house.send("ops", "GET", f"/v1/events?types={types}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    [fault] = answer.json()["errors"]
    assert fault["pointer"].startswith("?types/")
    assert "sihu.incident.reported" in fault["detail"]
    assert (f"Did you mean {meant}" in fault["detail"]) if meant else ("Did you mean" not in fault["detail"])


@pytest.mark.parametrize(
    ("path", "readers", "query"),
    [
        ("/v1/incidents", "ops worker", {}),
        ("/v1/incidents", "worker colleague", {"state": "calling"}),
        (f"/v1/queues/{COMMUNITY}", "community street", {}),
        ("/v1/keys", "security other_security", {}),
        ("/v1/units", "ops worker", {}),
        ("/v1/duties", "ops worker", {}),
        ("/v1/appraisal/calls", "ops auditor", {"period": "2026-11"}),
    ],
)
async def test_a_cursor_is_good_for_its_reader_alone(
    house: House, path: str, readers: str, query: dict[str, Any]
) -> None:
    first, second = readers.split()
    for _ in range(3):
        await house.report()
    for who in (first, second):
        await house.key(who)
    cursor = (await house.get(first, path, limit=1, **query))["next_cursor"]
    assert (await house.send(first, "GET", path, limit=1, cursor=cursor, **query)).status_code == 200
    for who, wrong in ((second, cursor), (first, ""), (first, cursor[:-1]), (first, f"{cursor}=")):
        answer = await house.send(who, "GET", path, limit=1, cursor=wrong, **query)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


async def test_a_filter_finds_its_cell(house: House) -> None:
    incident = await house.report()
    for area in (CELL, CELL[:7]):
        [row] = (await house.get("ops", "/v1/incidents", area=area))["items"]
        assert row["id"] == incident["id"]
