"""`GET /v1/appraisal` and the calls behind it, through real handlers."""

from __future__ import annotations

import csv
import io
import statistics
from typing import Any
from urllib.parse import parse_qsl

import pytest
from sqlalchemy import text

from service.rules.figures.definition import SCORED, Grouping, Measure
from service.rules.words import Outcome
from tests.appraisal.calls import store
from tests.house import DEPARTMENT, STREET, House
from tests.rules.figures.facts import CELL, a_call, after, at_random

pytestmark = pytest.mark.anyio

PATH = "/v1/appraisal"
COMMUNITY = CELL[:12]


async def _figures(house: House, who: str = "auditor", **query: Any) -> Any:
    return await house.get(who, PATH, period="2026-11", **query)


async def _follow(house: House, who: str, link: str, **more: Any) -> Any:
    path, _, query = link.partition("?")
    return await house.get(who, path, **dict(parse_qsl(query)), **more)


async def _opened(house: House, who: str, link: str) -> list[Any]:
    """Every call that a link lists, page by page."""
    page = await _follow(house, who, link, limit=100)
    items: list[Any] = page["items"]
    while page["next_cursor"]:
        page = await _follow(house, who, link, limit=100, cursor=page["next_cursor"])
        items += page["items"]
    return items


def _link(measure: str) -> str:
    return f"{PATH}/calls?period=2026-11&group_by=unit&group={COMMUNITY}&measure={measure}"


def _links(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row.items() if isinstance(value, dict) and "calls" in value and "n" in value}


@pytest.mark.slow
@pytest.mark.parametrize("grouping", Grouping)
async def test_every_number_opens_exactly_its_calls(house: House, grouping: Grouping) -> None:
    await store(house.process.database, at_random(7, 60))
    found = await _figures(house, group_by=grouping.value)
    assert [row["group"]["code"] for row in found["items"]] == sorted(row["group"]["code"] for row in found["items"])
    for row in (*found["items"], found["total"]):
        links = _links(row)
        assert len(links) == len(Measure) - len(SCORED) + 1
        for name, figure in links.items():
            calls = await _opened(house, "auditor", figure["calls"])
            counted = sum(call["held_s"] for call in calls) if name == "held_s" else len(calls)
            assert counted == figure["n"], (grouping, row.get("group"), name)
            keys = [(call["opened_at"], call["incident"]["id"], call["seq"]) for call in calls]
            assert len(set(keys)) == len(keys)
        await _opens_what_it_is_made_of(house, row)


async def _opens_what_it_is_made_of(house: House, row: Any) -> None:
    """Times and the parts of the score open the calls that they are reckoned from."""
    for name, part in row["score_parts"].items():
        calls = await _opened(house, "auditor", part["calls"])
        stars = {"street": "rating", "reporter": "outcome_rating"}.get(name)
        beside = {
            "answered": row["accountable"]["n"] + row["late_exit_answer"]["n"] / 2,
            "resolved": row["late_exit_resolve"]["n"] / 2,
        }
        assert part["of"] == (5 * len(calls) if stars else len(calls) + beside[name])
        if stars:
            assert part["n"] == sum(call[stars] for call in calls)
    for name in ("answer_s", "resolve_s"):
        took = [call[name] for call in await _opened(house, "auditor", row[name]["calls"])]
        assert row[name]["median"] == (pytest.approx(statistics.median(took), abs=0.001) if took else None)


async def test_what_is_opened_are_the_calls_themselves(house: House) -> None:
    missed = a_call(1, outcome=Outcome.NO_ANSWER, ended_at=after(hours=4, seconds=1.5), exempt=True, outcome_rating=3)
    await store(house.process.database, [missed, a_call(2)])

    found = await _figures(house)
    (item,) = (await _follow(house, "ops", found["total"]["exempt"]["calls"]))["items"]

    assert item == {
        "incident": {
            "id": str(missed.incident_id),
            "number": "2026-000001",
            "url": f"/v1/incidents/{missed.incident_id}",
        },
        "seq": 1,
        "level": 1,
        "unit": {"code": COMMUNITY, "name": house.process.worlds.world.unit_name(COMMUNITY)},
        "cause": "report",
        "outcome": "no_answer",
        "opened_at": "2026-11-10T01:00:00Z",
        "answer_by": "2026-11-10T05:00:00Z",
        "answered_at": None,
        "resolve_by": None,
        "ended_at": "2026-11-10T05:00:01.500000Z",
        "late_s": 1.5,
        "exempt": True,
        "credit": None,
        "box_used": None,
        "late_exit": False,
        "withdrawn_late": False,
        "self_reported": False,
        "own_report": False,
        "accountable": None,
        "held_s": None,
        "extended": False,
        "end_code": None,
        "rating": None,
        "outcome_rating": 3,
        "answer_s": None,
        "resolve_s": None,
    }


async def test_a_row_shows_how_its_score_came_about(house: House) -> None:
    answered: dict[str, Any] = {"answered_at": after(hours=1), "resolve_by": after(hours=25)}
    resolved = a_call(1, **answered, outcome=Outcome.RESOLVED, ended_at=after(hours=26), outcome_rating=4)
    missed = a_call(2, outcome=Outcome.NO_ANSWER, ended_at=after(hours=4))
    await store(house.process.database, [resolved, missed, a_call(3)])

    found = await _figures(house)

    (row,) = found["items"]
    assert row["group"] == {"code": COMMUNITY, "name": house.process.worlds.world.unit_name(COMMUNITY)}
    assert row["score"] == round((30 * 1 / 2 + 40 * 0 / 1 + 10 * 4 / 5) / 80 * 100, 2)
    assert row["score_parts"] == {
        "answered": {"n": 1, "of": 2, "weight": 30, "calls": _link("answerable")},
        "resolved": {"n": 0, "of": 1, "weight": 40, "calls": _link("resolvable")},
        "street": {"n": 0, "of": 0, "weight": 20, "calls": _link("street_rated")},
        "reporter": {"n": 4, "of": 5, "weight": 10, "calls": _link("reporter_rated")},
    }
    assert row["answer_s"] == {"median": 3600.0, "p90": 3600.0, "calls": _link("answered")}
    assert row["resolved_at_level"] == {"1": 1.0, "2": 0.0, "3": 0.0, "4": 0.0}
    assert (row["reporter_rating"]["mean"], row["street_rating"]["mean"]) == (4.0, None)
    assert (found["from"], found["to"]) == ("2026-10-31T16:00:00Z", "2026-11-30T16:00:00Z")
    assert found["policy"] == {"code": "example", "version": 1}


async def test_real_calls_are_counted_as_they_happen(house: House) -> None:
    incident = await house.report()
    await house.act("community", incident, "answer", measure="马上去")
    await house.act("community", incident, "raise", ground="beyond_powers", reason="需要执法权")
    await house.advance(seconds=4 * 3600)

    row = (await _figures(house))["total"]

    counted = {name: figure["n"] for name, figure in _links(row).items() if figure["n"]}
    once = ("answered", "answered_in_time", "missed", "missed_answer", "raised", "open")
    assert counted == {"calls": 3, **dict.fromkeys(once, 1)}


# --- doors ----------------------------------------------------------------------------------------------------------


async def _doors(house: House) -> None:
    far = "440105001001001"
    calls = [
        a_call(1),
        a_call(2, level=3, unit=DEPARTMENT),
        a_call(3, level=3, unit=DEPARTMENT, grid_code=far),
        a_call(4, unit=far[:12], grid_code=far),
        a_call(5, level=2, unit=STREET, grid_code=far),
    ]
    await store(house.process.database, calls)


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("auditor", {1, 2, 3, 4, 5}),
        ("ops", {1, 2, 3, 4, 5}),
        ("community", {1, 2}),
        ("street", {1, 2, 5}),
        ("other_street", {3, 4, 5}),
        ("department", {2, 3}),
        ("leader", set()),
    ],
)
async def test_who_sees_which_calls(house: House, who: str, seen: set[int]) -> None:
    await _doors(house)

    found = await _figures(house, who)
    calls = await _opened(house, who, found["total"]["calls"]["calls"])

    assert {int(call["incident"]["number"][-6:]) for call in calls} == seen
    assert found["total"]["calls"]["n"] == sum(row["calls"]["n"] for row in found["items"]) == len(seen)


@pytest.mark.parametrize("path", [PATH, f"{PATH}/calls"])
async def test_reporters_see_no_figures(house: House, path: str) -> None:
    answer = await house.send("worker", "GET", path, period="2026-11")
    assert (answer.status_code, answer.json()["code"]) == (403, "not_yours")
    assert (await house.send("worker", "GET", path, period="x")).status_code == 422


# --- what is asked for ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [PATH, f"{PATH}/calls"])
@pytest.mark.parametrize(
    "period", ["", "2026", "2026-00", "2026-13", "2026-1", "1999-12", "2200-01", "2026-11-01", " 2026-11", "２026-11"]
)
async def test_a_period_is_a_month(house: House, path: str, period: str) -> None:
    answer = await house.send("auditor", "GET", path, period=period)
    assert answer.status_code == 422
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "?period"
    assert "YYYY-MM" in fault["detail"]


@pytest.mark.parametrize("period", ["2000-01", "2199-12"])
async def test_the_first_and_the_last_month_there_are(house: House, period: str) -> None:
    found = await house.get("auditor", PATH, period=period)
    assert (found["items"], found["total"]["score"]) == ([], None)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"group_by": "person"}, "?group_by"),
        ({"measure": "everything"}, "?measure"),
        ({"limit": "501"}, "?limit"),
        ({"group": "' OR 1=1"}, "?group"),
        ({"unit": "x"}, "?unit"),
    ],
)
async def test_everything_asked_for_is_bounded(house: House, query: dict[str, Any], pointer: str) -> None:
    answer = await house.send("auditor", "GET", f"{PATH}/calls", period="2026-11", **query)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_cursor_fits_its_own_list_and_reader_only(house: House) -> None:
    await store(house.process.database, [a_call(n) for n in range(1, 4)])
    query: dict[str, Any] = {"period": "2026-11", "measure": "open", "limit": 2}
    first = await house.get("auditor", f"{PATH}/calls", **query)
    rest = await house.get("auditor", f"{PATH}/calls", **query, cursor=first["next_cursor"])
    assert (len(first["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)
    for who, other in (("auditor", {"measure": "calls"}), ("auditor", {"period": "2026-12"}), ("street", {})):
        answer = await house.send(who, "GET", f"{PATH}/calls", **{**query, **other}, cursor=first["next_cursor"])
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_cursor")


# --- for a spreadsheet ----------------------------------------------------------------------------------------------


async def _sheet(house: House, **query: Any) -> tuple[Any, list[dict[str, str]]]:
    answer = await house.send("auditor", "GET", PATH, headers={"Accept": "text/csv"}, period="2026-11", **query)
    assert answer.status_code == 200
    return answer, list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


@pytest.mark.clause("ASVS 4.1.1")
async def test_a_sheet_has_one_line_a_group_and_says_what_the_json_says(house: House) -> None:
    await store(house.process.database, at_random(3, 30))
    answer, lines = await _sheet(house, group_by="line")
    told = await _figures(house, group_by="line")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="appraisal-2026-11-line.csv"'
    assert answer.content.startswith(b"\xef\xbb\xbfgroup_code,group_name,calls,answered,")
    assert answer.content.count(b"\r\n") == len(told["items"]) + 1
    for line, row in zip(lines, told["items"], strict=True):
        assert (line["group_code"], line["group_name"]) == (row["group"]["code"], row["group"]["name"])
        assert all(line[name] == str(row[name]["n"]) for name in Measure if name in row)
        assert line["answer_s_p90"] == str(row["answer_s"]["p90"])
        assert line["score"] == str(row["score"])


async def test_a_sheet_in_chinese_has_words_for_codes(house: House) -> None:
    """Headings, and the names of levels, which the registry does not name; figures are those of the English sheet."""
    await store(house.process.database, at_random(3, 30))
    _, english = await _sheet(house, group_by="level")
    headers = {"Accept": "text/csv", "Accept-Language": "zh-CN"}
    answer = await house.send("auditor", "GET", PATH, headers=headers, period="2026-11", group_by="level")
    heading, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
    assert answer.headers["content-language"] == "zh"
    assert heading[:4] == ["编码", "名称", "呼叫数", "已应"] and "社区办结占比" in heading
    assert not [each for each in heading if each.isascii()]
    assert len(set(heading)) == len(heading)
    assert [line[1] for line in lines] == ["社区", "街道", "部门", "领导"][: len(lines)]
    assert [line[2:] for line in lines] == [list(line.values())[2:] for line in english]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
async def test_a_name_is_never_a_formula(house: House, start: str) -> None:
    name = f'{start}HYPERLINK("http://evil","a,b")'
    async with house.process.database.begin() as tx:
        await tx.execute(text("UPDATE unit SET name = :name WHERE code = :code"), {"name": name, "code": COMMUNITY})
        await tx.execute(text("UPDATE deployment SET world_version = world_version + 1"))
    await house.process.worlds.reload(house.process.database)
    await store(house.process.database, [a_call(1)])

    _, (line,) = await _sheet(house)

    assert line["group_name"] == f"'{name}"
    assert (await _figures(house))["items"][0]["group"]["name"] == name
